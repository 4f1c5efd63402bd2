"""How a device begins: who may, and what it is told."""

from __future__ import annotations

import pytest

from broker.domain.changes import AddDeviceRequest, Record
from broker.domain.errors import Fault, OAuthRefusal
from broker.domain.ids import ApplicationId
from broker.flows.authenticated import Credentials
from tests.flows.devices.tv import Tv
from tests.flows.refusals import refusal
from tests.flows.setting import ACME, ISSUER, NOW
from tests.flows.world import World

pytestmark = pytest.mark.anyio


async def test_a_device_is_told_two_codes_and_where_to_type_one(world: World, tv: Tv) -> None:
    """RFC 8628 section 3.2; kept are keyed hashes of both, each of its own kind."""
    begun = await tv.begin(organization="acme")
    change, told = world.written

    assert len(begun.device_code) == 43
    assert begun.verification_uri == f"{ISSUER}/device"
    assert begun.verification_uri_complete == f"{ISSUER}/device?user_code={begun.user_code}"
    assert (begun.expires_in, begun.interval) == (600, 5)
    assert isinstance(change, AddDeviceRequest)
    assert isinstance(told, Record)
    assert (told.event.action, told.event.application_id, told.event.object_id) == (
        "device.begin",
        "tv",
        change.request.id,
    )
    assert (change.request.application_id, change.request.organization) == ("tv", ACME)
    assert (change.request.created_at, change.request.expires_at) == (NOW, NOW + 600)
    assert change.request.device_code == world.ports.secrets.keyed_hash("device_code", begun.device_code)
    assert change.request.user_code == world.ports.secrets.keyed_hash("user_code", begun.user_code)
    assert begun.device_code not in repr(begun)
    assert begun.user_code not in repr(begun)


async def test_no_two_devices_get_one_code(tv: Tv) -> None:
    """And each is of its own device code."""
    begun = [await tv.begin() for _ in range(20)]

    assert len({b.user_code for b in begun}) == len({b.device_code for b in begun}) == 20


@pytest.mark.parametrize(
    ("application", "secret", "code"),
    [
        ("nobody", None, "invalid_client"),
        ("box", None, "invalid_client"),
        ("box", "wrong", "invalid_client"),
        ("tv", "a-secret", "invalid_client"),
        ("demo-app", None, "unauthorized_client"),
    ],
)
async def test_who_may_not_begin_is_refused(
    world: World, tv: Tv, application: str, secret: str | None, code: str
) -> None:
    """The grant is off unless the operator lists it."""
    tv.credentials = Credentials(application_id=ApplicationId(application), secret=secret)
    with refusal(OAuthRefusal, code):
        await tv.begin()
    assert world.written == []


async def test_what_a_device_must_not_ask_for_is_refused(world: World, tv: Tv) -> None:
    """As at the authorize endpoint."""
    with refusal(OAuthRefusal, "invalid_scope"):
        await tv.begin(scope=None)
    assert world.written == []


async def test_a_code_that_another_device_has_is_drawn_afresh(world: World, tv: Tv) -> None:
    """The database decides; who finds none free at all is told to try again."""
    begun = await tv.begin()

    async def take_what_is_about_to_be_written() -> None:
        (_, change, _) = world.store.received[-1]
        assert isinstance(change, AddDeviceRequest)
        await world.store.write(change)

    world.store.before("write", take_what_is_about_to_be_written)
    assert (await tv.begin()).user_code != begun.user_code
    world.store.always_before("write", take_what_is_about_to_be_written)
    with pytest.raises(Fault) as fault:
        await tv.begin()
    assert fault.value.code == "contention"
