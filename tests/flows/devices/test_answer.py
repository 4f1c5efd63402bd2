"""What a User is asked about a device, and that they answer once."""

from __future__ import annotations

import pytest

from broker.domain.changes import AddDeviceRequest, AddGrant, DecideDeviceRequest, PutConsent, Record, RemoveApplication
from broker.domain.device_request import Decision
from broker.domain.errors import Refusal
from broker.domain.ids import ApplicationId
from broker.flows.devices.waiting import waiting_device
from broker.flows.found import LiveSession
from tests.flows.devices.tv import Tv
from tests.flows.refusals import refusal
from tests.flows.setting import ACME, ADA, GLOBEX, GRACE, NOW, STRANGER
from tests.flows.world import World

pytestmark = pytest.mark.anyio


@pytest.fixture
async def ada(world: World, tv: Tv) -> LiveSession:
    """Ada, signed in."""
    signed_in = await world.signed_in(ADA)
    world.forget()
    return signed_in


async def test_the_page_is_told_who_asks_and_whose_rights_it_would_see(world: World, tv: Tv, ada: LiveSession) -> None:
    """However the code is typed; nothing is written."""
    begun = await tv.begin(organization="acme")
    world.forget()

    asks = await waiting_device(begun.user_code.lower().replace("-", " "), ada, world.ports)

    assert (asks.user_code, asks.application.name, asks.clients) == (begun.user_code, "Demo on TV", (ACME,))
    assert (await waiting_device((await tv.begin()).user_code, ada, world.ports)).clients == (ACME, GLOBEX)
    assert {type(change) for change in world.written} == {AddDeviceRequest, Record}  # of the second device alone


async def test_allowing_decides_and_makes_the_grant_at_once(world: World, tv: Tv, ada: LiveSession) -> None:
    """Of the Session that allowed it; the ledger has a line. Our own Application needs no consent."""
    begun = await tv.begin()
    world.forget()
    await tv.answer(begun, ada)

    decided, granted, _ = world.written
    assert isinstance(decided, DecideDeviceRequest)
    assert isinstance(granted, AddGrant)
    assert decided.decision is Decision.ALLOWED
    assert (granted.grant.session_id, granted.grant.user_id) == (ada.session.id, ada.user.id)
    assert granted.grant.code == world.ports.secrets.keyed_hash("device_code", begun.device_code)
    event = world.event()
    assert (event.action, event.outcome, event.request_id) == ("device.allow", "done", "req-answer")
    assert (event.user_id, event.application_id, event.object_id) == (ada.user.id, "tv", granted.grant.id)


async def test_denying_decides_and_gives_nothing(world: World, tv: Tv, ada: LiveSession) -> None:
    """The ledger has a line."""
    begun = await tv.begin(organization="acme")
    world.forget()
    asks = await tv.answer(begun, ada, allow=False)

    decided, _ = world.written
    assert isinstance(decided, DecideDeviceRequest)
    assert decided.decision is Decision.DENIED
    event = world.event()
    assert (event.action, event.client_org, event.object_id) == ("device.deny", ACME, asks.request.id)


async def test_a_third_party_is_remembered_unless_it_was_for_one_client(world: World, tv: Tv, ada: LiveSession) -> None:
    """As on the consent page."""
    films = Tv(world, "films")
    await films.answer(await films.begin(organization="acme"), ada)
    assert not [change for change in world.written if isinstance(change, PutConsent)]
    await films.answer(await films.begin(), ada)

    (put,) = [change for change in world.written if isinstance(change, PutConsent)]
    assert (put.consent.application_id, put.consent.scopes) == ("films", ("openid", "email"))
    assert (put.consent.user_id, put.consent.given_at) == (ada.user.id, NOW)


@pytest.mark.parametrize("typed", ["", "WDJB", "AAAA-AAAA", "BBBB-BBBB"])
async def test_a_code_behind_which_nobody_waits_is_refused(world: World, tv: Tv, ada: LiveSession, typed: str) -> None:
    """Absent, malformed, unknown: one answer."""
    with refusal(Refusal, "unknown_user_code") as caught:
        await waiting_device(typed, ada, world.ports)
    assert caught.value.sentence == "No device waits with this code."


async def test_nobody_answers_twice_or_late(world: World, tv: Tv, ada: LiveSession) -> None:
    """Neither the same way nor the other."""
    allowed, denied, late = [await tv.begin() for _ in range(3)]
    await tv.answer(allowed, ada)
    await tv.answer(denied, ada, allow=False)
    world.clock.advance(600)
    ada = await world.signed_in(ADA)
    world.forget()

    for begun in (allowed, denied, late):
        for allow in (True, False):
            with refusal(Refusal, "unknown_user_code"):
                await tv.answer(begun, ada, allow=allow)
    assert world.written == []


@pytest.mark.parametrize("first", [True, False], ids=["allowed first", "denied first"])
async def test_of_two_answers_at_once_one_counts(world: World, tv: Tv, ada: LiveSession, first: bool) -> None:
    """The loser is told that no device waits, and has made no Grant."""
    grace = await world.signed_in(GRACE)
    begun = await tv.begin()
    world.store.before("write", lambda: tv.answer(begun, grace, allow=first))

    with refusal(Refusal, "unknown_user_code"):
        await tv.answer(begun, ada)
    assert [g.user_id for g in world.store.tables.grants.values()] == ([grace.user.id] if first else [])


async def test_an_application_that_is_removed_meanwhile_lets_nobody_in(world: World, tv: Tv, ada: LiveSession) -> None:
    """Its requests go with it."""
    begun = await tv.begin()
    removed = RemoveApplication(application_id=ApplicationId("tv"), at=NOW)
    world.store.before("write", lambda: world.store.write(removed))

    with refusal(Refusal, "unknown_user_code"):
        await tv.answer(begun, ada)
    assert world.store.tables.device_requests == {}


async def test_who_may_not_use_the_application_does_not_let_it_in(world: World, tv: Tv, ada: LiveSession) -> None:
    """G11-02: a Client that the User does not act for, or none at all; the device waits on for somebody who may."""
    stranger, grace = await world.signed_in(STRANGER), await world.signed_in(GRACE)
    gated = Tv(world, "gated-tv")
    for device, begun, by in (
        (tv, await tv.begin(organization="acme"), grace),
        (tv, await tv.begin(organization="nowhere"), grace),
        (gated, await gated.begin(), stranger),
    ):
        world.forget()
        for allow in (True, False):
            with refusal(Refusal, "access_denied"):
                await device.answer(begun, by, allow=allow)
        assert world.written == []
    await gated.answer(begun, ada)
