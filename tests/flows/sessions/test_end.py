"""A User ends Sessions from their own list."""

from __future__ import annotations

import pytest

from broker.domain.ids import SessionId
from broker.domain.ledger import AuditEvent
from broker.flows.found import LiveSession
from broker.flows.sessions.end import end_sessions
from tests.flows.setting import ADA, GRACE, NOW
from tests.flows.texts import holds
from tests.flows.world import World

pytestmark = pytest.mark.anyio


async def living(world: World, signed_in: LiveSession) -> set[SessionId]:
    """The User's Sessions that go on."""
    return {session.id for session in await world.ports.store.sessions_of(signed_in.user.id, 0)}


async def end(world: World, which: str | None, signed_in: LiveSession) -> None:
    """As the page does it."""
    world.forget()
    await end_sessions(None if which is None else SessionId(which), signed_in, world.ports, request_id="req-end")


async def test_one_session_ends_and_the_others_go_on(world: World) -> None:
    """With one line of the ledger that names it."""
    here, there, elsewhere = [await world.signed_in(ADA) for _ in range(3)]
    await end(world, there.session.id, here)

    assert await living(world, here) == {here.session.id, elsewhere.session.id}
    assert len(world.store.writes) == 1
    assert world.event() == AuditEvent(
        at=NOW,
        action="session.end",
        outcome="done",
        request_id="req-end",
        user_id=here.user.id,
        object_id=there.session.id,
    )


async def test_this_session_can_be_ended_too(world: World) -> None:
    """That is signing out."""
    here = await world.signed_in(ADA)
    await end(world, here.session.id, here)

    assert await living(world, here) == set()


async def test_all_others_end_at_once(world: World) -> None:
    """This one goes on, and so do other people's; the line of the ledger names the one that stays."""
    here, _, grace = await world.signed_in(ADA), await world.signed_in(ADA), await world.signed_in(GRACE)
    await end(world, None, here)

    assert await living(world, here) == {here.session.id}
    assert await living(world, grace) == {grace.session.id}
    event = world.event()
    assert (event.action, event.object_id) == ("session.end_others", here.session.id)


async def test_a_session_of_somebody_else_is_not_there_to_be_ended(world: World) -> None:
    """It goes on, and nothing is written."""
    here, grace = await world.signed_in(ADA), await world.signed_in(GRACE)
    await end(world, grace.session.id, here)

    assert await living(world, grace) == {grace.session.id}
    assert world.written == []


@pytest.mark.parametrize("which", ["", "ses_unknown", "a value that must not get into the ledger"])
async def test_what_is_no_session_is_not_written_down(world: World, which: str) -> None:
    """The ledger holds ids, not what a browser sends in their place."""
    here = await world.signed_in(ADA)
    await end(world, which, here)

    assert world.written == []
    assert await living(world, here) == {here.session.id}
    assert not holds(world.store.received, "a value")


async def test_ending_twice_is_ending_once(world: World) -> None:
    """A double click is one line of the ledger."""
    here, there = await world.signed_in(ADA), await world.signed_in(ADA)
    await end(world, there.session.id, here)
    await end(world, there.session.id, here)

    assert world.written == []
