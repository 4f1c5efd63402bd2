"""A Provider says that somebody signed out there: which Sessions end here (Back-Channel Logout 1.0 section 2.7)."""

from __future__ import annotations

import pytest

from broker.domain.changes import TakeAssertion
from broker.domain.errors import Fault, Refusal
from broker.domain.ledger import AuditEvent
from broker.flows.found import LiveSession
from broker.flows.proven import UpstreamLogout
from broker.flows.sessions.end_upstream import end_upstream
from tests.fakes.upstream import Person
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, GOOGLE, GRACE, NOW, STRANGER
from tests.flows.world import World

pytestmark = pytest.mark.anyio

LATER = NOW + 700


def says(world: World, *, person: Person | None = None, sid: str | None = None, jti: str = "jti-1") -> str:
    """A logout token of Google's that holds."""
    token = f"logout-token-canary-{len(world.upstream.logouts)}"
    identity = None if person is None else person.identity
    world.upstream.logouts[token] = UpstreamLogout(
        issuer=ADA.identity.issuer, identity=identity, sid=sid, jti=jti, good_until=LATER
    )
    return token


async def signed_in(world: World, person: Person, sid: str | None) -> LiveSession:
    """By a session that the Provider calls so."""
    world.upstream.sid = sid
    return await world.signed_in(person)


async def tell(world: World, token: str) -> None:
    """The Provider sends it."""
    world.forget()
    await end_upstream(GOOGLE, token, world.ports, request_id="req-logout")


def live(world: World, *sessions: LiveSession) -> list[bool]:
    """Which have not ended."""
    return [world.store.tables.sessions[one.session.id].ended_at is None for one in sessions]


async def test_by_sub_all_sessions_of_the_connection_end(world: World) -> None:
    """Nobody else's; the ledger has one line."""
    one, two = await signed_in(world, ADA, "sid-1"), await signed_in(world, ADA, None)
    grace = await signed_in(world, GRACE, "sid-1")
    await tell(world, says(world, person=ADA))

    assert live(world, one, two, grace) == [False, False, True]
    assert world.event() == AuditEvent(
        at=NOW,
        action="session.end_upstream",
        outcome="done",
        request_id="req-logout",
        user_id=one.user.id,
        registration=GOOGLE,
        object_id=one.session.connection_id,
    )
    assert len(world.store.writes) == 1


async def test_by_sid_that_session_ends(world: World) -> None:
    """It is kept as a keyed hash."""
    one, two = await signed_in(world, ADA, "sid-1"), await signed_in(world, ADA, "sid-2")
    await tell(world, says(world, sid="sid-1"))

    assert live(world, one, two) == [False, True]
    assert world.event().user_id == one.user.id
    assert "sid-1" not in repr(world.store.tables.sessions)
    assert one.session.upstream_sid is not None


async def test_by_both_those_end_that_do_not_say_in_which_they_began(world: World) -> None:
    """They might be meant; one that says another is not."""
    one, two = await signed_in(world, ADA, "sid-1"), await signed_in(world, ADA, "sid-2")
    nameless, grace = await signed_in(world, ADA, None), await signed_in(world, GRACE, None)
    await tell(world, says(world, person=ADA, sid="sid-1"))

    assert live(world, one, two, nameless, grace) == [False, True, False, True]


@pytest.mark.parametrize(("person", "sid"), [(STRANGER, None), (None, "sid-9"), (STRANGER, "sid-9")])
async def test_who_is_not_known_here_changes_nothing(world: World, person: Person | None, sid: str | None) -> None:
    """Kept is that the token was used. Whose session there might be one that began meanwhile: a line, of nobody."""
    one = await signed_in(world, ADA, "sid-1")
    await tell(world, says(world, person=person, sid=sid))

    assert live(world, one) == [True]
    assert [(event.action, event.user_id, event.object_id) for event in world.events()] == (
        [] if sid is None else [("session.end_upstream", None, None)]
    )
    assert [change for change in world.written if isinstance(change, TakeAssertion)] != []


async def test_a_connection_that_is_gone_has_no_sessions(world: World) -> None:
    """The Identity outlives it."""
    one = await signed_in(world, ADA, None)
    world.store.tables.connections.clear()
    await tell(world, says(world, person=ADA))

    assert live(world, one) == [True]
    assert world.event().object_id is None


async def test_a_logout_token_is_used_once(world: World) -> None:
    """By its `jti`, as long as it is not too old by itself; another one works."""
    token = says(world, person=ADA)
    await tell(world, token)
    one = await signed_in(world, ADA, None)
    with refusal(Refusal, "invalid_logout_token"):
        await tell(world, token)
    assert (live(world, one), world.written) == ([True], [])

    await tell(world, says(world, person=ADA, jti="jti-2"))
    assert live(world, one) == [False]
    assert set(world.store.tables.taken_attempts.values()) >= {LATER}


async def test_what_does_not_hold_or_cannot_be_checked_ends_nothing(world: World) -> None:
    """A refusal, or a fault when the Provider's keys cannot be had."""
    one = await signed_in(world, ADA, None)
    token = says(world, person=ADA)
    with refusal(Refusal, "invalid_logout_token"):
        await tell(world, "another")
    world.upstream.down = True
    with refusal(Fault, "provider_unavailable"):
        await tell(world, token)

    assert (live(world, one), world.written) == ([True], [])
