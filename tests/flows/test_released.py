"""That an Application is told other attributes than before has a line in the ledger; telling the same has none."""

from __future__ import annotations

from typing import Any

import pytest

from broker.domain.changes import RememberReleased
from broker.domain.errors import Fault
from broker.domain.grant import Grant
from broker.domain.ids import ApplicationId
from broker.flows.authenticated import Credentials
from broker.flows.found import GrantInFull
from broker.flows.possession import ShownToken
from broker.flows.released import record_release
from broker.flows.tokens.refresh import Refreshment, refresh
from broker.flows.tokens.userinfo import userinfo
from tests.flows.setting import APPLICATIONS, NOW, SECRETS, STRANGER
from tests.flows.tokens.exchanging import BILLING, signed_in, swap, with_services
from tests.flows.world import World

pytestmark = pytest.mark.anyio

NARROWER: dict[str, Any] = {
    "google": {
        "keep": {"email": "Contact address", "name": "Shown to colleagues"},
        "release": {"email": "Audit trails"},
    }
}

WIDER: dict[str, Any] = {
    "google": {"keep": NARROWER["google"]["keep"], "release": {"email": "Audit trails", "name": "Greeting"}}
}


def grant_of(world: World) -> Grant:
    (grant,) = world.store.tables.grants.values()
    return grant


async def found_in(world: World) -> GrantInFull:
    found = await world.store.grant(grant_of(world).id)
    assert found is not None
    return found


async def test_userinfo_that_tells_what_tokens_told_writes_nothing(world: World) -> None:
    """However often it is asked."""
    tokens = await world.redeem(await world.code(STRANGER))
    assert grant_of(world).released == ("email", "name")
    world.forget()
    for _ in range(3):
        await userinfo(ShownToken(text=tokens.access_token), world.ports, request_id="req")

    assert world.store.writes == []


async def test_userinfo_that_tells_something_else_says_so_once(world: World) -> None:
    """The policy was tightened meanwhile: before it is told, it is recorded; and then it is what was told last."""
    tokens = await world.redeem(await world.code(STRANGER))
    ports = world.with_policy(NARROWER)
    world.forget()
    for _ in range(2):
        told = await userinfo(ShownToken(text=tokens.access_token), ports, request_id="req-info")

    assert "name" not in told.claims
    event = world.event()
    assert (event.action, event.outcome, event.request_id) == ("attributes.release", "done", "req-info")
    assert (event.released, event.ground, event.object_id) == (("email",), "first_party", grant_of(world).id)
    assert grant_of(world).released == ("email",)


async def test_when_nothing_is_told_any_more_that_is_recorded_too(world: World) -> None:
    """It is no disclosure: nobody was told anything, on whatever ground."""
    tokens = await world.redeem(await world.code(STRANGER))
    world.forget()
    await userinfo(ShownToken(text=tokens.access_token), world.with_policy({}), request_id="req")

    assert (world.event().released, world.event().ground) == ((), "")


async def test_a_refresh_that_tells_the_same_is_one_write(world: World) -> None:
    """In the plain case not even a second round trip."""
    token = await world.refreshable(STRANGER)
    world.forget()
    await world.refresh(token)

    assert world.store.received[0][0] == "use_plainly"
    assert len(world.store.writes) == 1
    assert world.event().action == "refresh"


@pytest.mark.parametrize("application", ["demo-app", "crm"])
async def test_a_refresh_that_tells_something_else_says_so_once(world: World, application: str) -> None:
    """Beside its own line, also where it is not the plain case."""
    token = await refreshable_of(world, application)
    ports = world.with_policy(NARROWER)
    world.forget()
    credentials = Credentials(application_id=ApplicationId(application), secret=secret_of(application))
    again = await refresh(credentials, Refreshment(token=token, scope=None), None, ports, request_id="req")
    assert [event.action for event in world.events()] == ["refresh", "attributes.release"]
    assert [event.request_id for event in world.events()] == ["req", ""]
    assert grant_of(world).released == ("email",)

    world.forget()
    assert again.refresh_token is not None
    await refresh(credentials, Refreshment(token=again.refresh_token, scope=None), None, ports, request_id="req")
    assert world.event().action == "refresh"


async def refreshable_of(world: World, application: str) -> str:
    """A confidential Application that is our own for this test, so that nobody has to press Allow."""
    first_party = {name: {**settings, "first_party": True} for name, settings in APPLICATIONS.items()}
    await world.declare(applications=first_party)
    return await world.refreshable(STRANGER, application)


def secret_of(application: str) -> str | None:
    return SECRETS.get(application)


async def test_a_refresh_for_fewer_scopes_takes_nothing_back(world: World) -> None:
    """The others stay granted, and were told before."""
    token = await world.refreshable(STRANGER)
    world.forget()
    await world.refresh(token, scope="openid email")

    assert world.event().action == "refresh"
    assert grant_of(world).released == ("email", "name")


async def test_whoever_was_first_is_looked_at_again(world: World) -> None:
    """Two ask at once after a change of the policy: one line."""
    await world.redeem(await world.code(STRANGER))
    found = await found_in(world)
    world.forget()

    async def another() -> None:
        await record_release(found, {"email"}, world.ports, now=NOW)

    world.store.before("write", another)
    await record_release(found, {"email"}, world.ports, now=NOW)

    assert world.event().released == ("email",)


async def test_a_grant_that_is_forgotten_meanwhile_tells_nothing(world: World) -> None:
    """Nobody accepts what came of it."""
    await world.redeem(await world.code(STRANGER))
    found = await found_in(world)
    world.forget()

    async def forget() -> None:
        world.store.tables.grants.clear()

    world.store.before("write", forget)
    await record_release(found, {"email"}, world.ports, now=NOW)

    assert world.events() == []


async def test_whoever_never_wins_is_told_to_try_again(world: World) -> None:
    """Nothing is told without its line."""
    await world.redeem(await world.code(STRANGER))
    found = await found_in(world)
    others = iter([("name",), ("phone",)] * 9)

    async def another() -> None:
        (grant,) = world.store.tables.grants.values()
        change = RememberReleased(grant_id=grant.id, expected=grant.released, released=next(others))
        world.store.tables.apply(change)

    world.store.always_before("write", another)
    with pytest.raises(Fault) as fault:
        await record_release(found, {"email"}, world.ports, now=NOW)
    assert fault.value.code == "contention"


async def of_a_service(world: World) -> str:
    """A token of Ada's that `api` got by an exchange."""
    subject = (await signed_in(world, scope="openid email profile")).access_token
    return (await swap(world, subject, "api", BILLING)).access_token


async def test_an_exchanged_token_has_a_line_for_whom_it_is() -> None:
    """It is that Application's deed; the Grant remembers what its own was told."""
    world = await with_services()
    token = await of_a_service(world)
    event = world.event_of("exchange")
    assert (event.application_id, event.released, event.ground) == ("api", ("email",), "consent")

    world.forget()
    await userinfo(ShownToken(text=token), world.ports, request_id="req")
    assert world.store.writes == []


async def test_an_exchanged_token_that_tells_more_than_is_in_it_has_another() -> None:
    """Each time, as nobody remembers it; and the Grant stays as it is."""
    world = await with_services()
    token = await of_a_service(world)
    ports = world.with_policy(WIDER)
    world.forget()
    told = await userinfo(ShownToken(text=token), ports, request_id="req-info")

    assert told.claims.keys() == {"sub", "email", "name"}
    event = world.event()
    assert (event.action, event.application_id, event.released) == ("attributes.release", "api", ("email", "name"))
    assert (event.ground, event.request_id) == ("consent", "req-info")
    assert grant_of(world).released == ("email",)


async def test_an_application_that_is_removed_meanwhile_has_no_line() -> None:
    """Its tokens went with it."""
    world = await with_services()
    await of_a_service(world)
    found = await found_in(world)
    world.forget()
    claims = {"client_id": "gone", "email": "ada@acme.example"}
    await record_release(found, {"email", "name"}, world.ports, now=NOW, claims=claims)

    assert world.events() == []
