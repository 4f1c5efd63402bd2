"""An operator looks at a User's Sessions, and ends them."""

from __future__ import annotations

import pytest

from broker.domain.errors import NotFound, OAuthRefusal
from broker.domain.ids import SessionId, UserId
from broker.domain.ledger import AuditEvent
from broker.domain.session import IDLE_LIFETIME
from broker.flows.found import LiveSession
from broker.flows.sessions.end_by_operator import end_by_operator
from broker.flows.sessions.look import look_at_sessions
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, GRACE, NOW
from tests.flows.world import World

pytestmark = pytest.mark.anyio


async def states(world: World, of: LiveSession) -> dict[str, tuple[bool, tuple[str, ...]]]:
    """Session -> whether somebody is signed in there, and which Applications go on."""
    user, seen = await look_at_sessions(of.user.id, world.ports.store, world.ports.clock)
    assert user == of.user
    return {one.session.id: (one.signed_in, one.applications) for one in seen}


async def test_sessions_are_seen_that_live_or_keep_something_alive(world: World) -> None:
    """One that is over and carries nothing is not; each Application once."""
    token = await world.refreshable()
    (offline,) = world.store.tables.grants.values()
    await world.signed_in(ADA)
    world.clock.advance(IDLE_LIFETIME)
    await world.refresh(token)
    here = await world.signed_in(ADA)

    assert await states(world, here) == {offline.session_id: (False, ("demo-app",)), here.session.id: (True, ())}


async def test_all_sessions_are_ended(world: World) -> None:
    """Which those were is told; the refresh token of one is dead, other people go on."""
    token = await world.refreshable()
    here, grace = await world.signed_in(ADA), await world.signed_in(GRACE)
    world.forget()
    ended = await end_by_operator(here.user.id, None, world.ports.store, world.ports.clock)

    assert here.session.id in ended and len(ended) == 2
    assert await states(world, here) == {}
    assert list(await states(world, grace)) == [grace.session.id]
    assert world.event() == AuditEvent(at=NOW, action="session.end_by_operator", outcome="done", user_id=here.user.id)
    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(token)


async def test_one_session_is_ended(world: World) -> None:
    """The others go on, and the line of the ledger names it; a second time it is not there."""
    here, there = await world.signed_in(ADA), await world.signed_in(ADA)
    world.forget()
    store, clock = world.ports.store, world.ports.clock

    assert await end_by_operator(here.user.id, here.session.id, store, clock) == (here.session.id,)
    assert list(await states(world, there)) == [there.session.id]
    assert world.event().object_id == here.session.id
    with refusal(NotFound, "not_found"):
        await end_by_operator(here.user.id, here.session.id, store, clock)


async def test_what_is_not_there_is_not_ended(world: World) -> None:
    """A User whom nobody knows, a Session of somebody else's."""
    here, grace = await world.signed_in(ADA), await world.signed_in(GRACE)
    nobody = UserId("usr_nobody")
    world.forget()
    for user_id, which in ((nobody, None), (here.user.id, grace.session.id), (here.user.id, SessionId(""))):
        with refusal(NotFound, "not_found"):
            await end_by_operator(user_id, which, world.ports.store, world.ports.clock)
    with refusal(NotFound, "not_found"):
        await look_at_sessions(nobody, world.ports.store, world.ports.clock)

    assert world.written == []
