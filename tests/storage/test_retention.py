"""Retention and legal holds on every store: what is over, and that nothing goes of whoever is held."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.domain import changes as c
from broker.domain.errors import Conflict
from broker.domain.hold import Hold
from broker.domain.ids import SessionId, UserId
from broker.domain.session import ABSOLUTE_LIFETIME
from broker.flows.retention_store import SessionOver
from broker.flows.store import Store
from tests.storage import world as w
from tests.storage.test_ledger import ADA, GRACE, chained

pytestmark = pytest.mark.anyio

LATER = w.NOW + 1000
HELD = c.PutHold(hold=w.hold())


async def two(store: Store) -> None:
    """Ada and Grace, each with a Session, a Grant and a Connection."""
    for number, name in enumerate(("ada", "grace")):
        await store.write(*w.invited(name))
        await store.write(*w.first_sign_in(name, attempt_number=number))


async def test_a_hold_has_another_reference_and_goes_on(store: Store) -> None:
    """Since the same time, until it is lifted."""
    await two(store)
    assert (await store.held(ADA), list(await store.holds())) == (None, [])
    await store.write(HELD, c.PutHold(hold=w.hold("grace")))
    await store.write(c.PutHold(hold=Hold(user_id=ADA, reference="another", since=LATER)))

    assert await store.held(ADA) == w.hold(reference="another")
    assert list(await store.holds()) == [w.hold(reference="another"), w.hold("grace")]
    await store.write(c.RemoveHold(user_id=ADA))
    await store.write(c.RemoveHold(user_id=ADA))
    assert list(await store.holds()) == [w.hold("grace")]


async def test_nobody_is_held_who_is_not_there(store: Store) -> None:
    """A hold refers to its User."""
    with pytest.raises(Conflict) as conflict:
        await store.write(HELD)

    assert conflict.value.what == "PutHold"


async def test_a_write_can_require_that_nobody_is_held(store: Store) -> None:
    """All of it is refused, and nothing is changed by asking."""
    await two(store)
    await store.write(HELD)
    before = await store.user(GRACE)
    for user_id in (ADA, UserId("usr_nobody")):
        with pytest.raises(Conflict) as conflict:
            await store.write(w.attempt(9), c.RequireNotHeld(user_id=user_id))
        assert conflict.value.what == "RequireNotHeld"
    await store.write(w.attempt(9), c.RequireNotHeld(user_id=GRACE))

    assert await store.user(GRACE) == before


async def over(store: Store, ended: int, began: int, after: str = "", limit: int = 99) -> list[SessionOver]:
    return list(await store.sessions_over(ended, began, after, limit))


async def test_a_session_is_over_when_it_has_ended_or_begun_long_ago(store: Store) -> None:
    """In the order of their ids, with the number of their Grants."""
    await two(store)
    await store.write(c.EndSession(session_id=w.session().id, user_id=ADA, at=LATER))
    ada, grace = SessionOver(id=w.session().id, grants=1), SessionOver(id=w.session("grace").id, grants=1)

    assert await over(store, LATER, w.NOW) == [ada, grace]
    assert await over(store, LATER, w.NOW, after=ada.id) == [grace]
    assert await over(store, LATER, w.NOW, limit=1) == [ada]
    assert await over(store, LATER - 1, w.NOW) == [grace]
    assert await over(store, LATER, w.NOW - 1) == [ada]
    await store.write(HELD)
    assert await over(store, LATER, w.NOW) == [grace]


async def test_sessions_go_with_their_grants_but_not_of_whoever_is_held(store: Store) -> None:
    """Whoever was held since they were found over keeps theirs."""
    await two(store)
    these = frozenset({w.session().id, w.session("grace").id, SessionId("ses_gone")})
    await store.write(HELD)
    await store.write(
        c.RemoveGrantsOfSessions(session_ids=these), c.RemoveSessions(session_ids=these), c.Record(event=w.event())
    )

    assert await store.session(w.session().secret) is not None
    assert await store.grant(w.grant().id) is not None
    assert await store.session(w.session("grace").secret) is None
    assert await store.grant(w.grant("grace").id) is None


async def test_what_has_expired_is_not_forgotten_of_whoever_is_held(store: Store) -> None:
    """Sessions and Grants; until the hold is lifted."""
    await two(store)
    await store.write(HELD)
    much_later = w.NOW + 100 * ABSOLUTE_LIFETIME
    await store.forget_expired(much_later)

    assert await store.session(w.session("grace").secret) is None
    assert await store.session(w.session().secret) is not None
    assert await store.grant(w.grant().id) is not None
    await store.write(c.RemoveHold(user_id=ADA))
    await store.forget_expired(much_later)
    assert await store.session(w.session().secret) is None


async def test_a_connection_is_idle_that_has_tokens_which_nobody_uses(store: Store) -> None:
    """In the order of their ids, whole; one without tokens is done."""
    await two(store)
    first, second = (w.connection(name) for name in ("ada", "grace"))

    async def idle(before: int, after: str = "", limit: int = 99) -> list[str]:
        return [found.connection.id for found in await store.idle_connections(before, after, limit)]

    assert await idle(w.NOW) == [first.id, second.id]
    assert (await idle(w.NOW, first.id), await idle(w.NOW, limit=1)) == ([second.id], [first.id])
    assert await idle(w.NOW - 1) == []
    bare = replace(second, generation=2, sealed_tokens=None)
    await store.write(c.ReplaceConnection(connection=bare, expected_generation=1))
    assert await idle(w.NOW) == [first.id]
    (found,) = await store.idle_connections(w.NOW, "", 9)
    assert found == await store.connection(first.id)
    await store.write(HELD)
    assert await idle(w.NOW) == []


async def test_a_user_is_idle_who_did_not_sign_in(store: Store) -> None:
    """By none of their Connections, nor in a Session; whoever is new or held is not."""
    await two(store)

    async def idle(before: int, after: str = "", limit: int = 99) -> list[UserId]:
        return list(await store.idle_users(before, after, limit))

    assert (await idle(w.NOW), await idle(w.NOW - 1)) == ([ADA, GRACE], [])
    assert (await idle(w.NOW, ADA), await idle(w.NOW, limit=1)) == ([GRACE], [ADA])
    await store.write(c.AddUser(user=replace(w.user("new"), created_at=LATER)))
    await store.write(c.AddSession(session=w.session("grace", number=2, began=LATER)))
    used = replace(w.connection(), generation=2, last_used_at=LATER)
    assert await idle(w.NOW) == [ADA]
    await store.write(c.ReplaceConnection(connection=used, expected_generation=1))
    assert await idle(w.NOW) == []
    assert await idle(LATER) == [ADA, GRACE, UserId("usr_new")]
    await store.write(HELD)
    assert await idle(LATER) == [GRACE, UserId("usr_new")]


async def test_events_are_over_by_their_class(store: Store) -> None:
    """Up to the first that is younger, so that a clock which went back takes nothing along; none of whoever is held."""
    await two(store)
    old = replace(w.event("redeem"), user_id=None)
    young = replace(old, at=LATER)
    links = await chained(
        store,
        replace(old, user_id=ADA),
        replace(old, action="refresh"),
        replace(old, user_id=GRACE),
        young,
        replace(old, action="refresh"),
    )
    first = links[-5].position

    async def found(*actions: str, others: bool, after: int = first - 1, before: int = w.NOW) -> list[int]:
        events = await store.events_over(before, frozenset(actions), after, 99, others=others)
        return [position - first for position in events]

    assert await found(others=True) == [0, 1, 2]
    assert await found("redeem", others=False) == [0, 2]
    assert await found("redeem", others=True) == [1]
    assert await found(others=False) == []
    assert await found(others=True, after=first) == [1, 2]
    assert await found(others=True, before=LATER) == [0, 1, 2, 3, 4]
    assert await found(others=True, before=w.NOW - 1) == []
    await store.write(HELD)
    assert await found(others=True) == [1, 2]


async def test_pruning_takes_one_class_and_nothing_younger(store: Store) -> None:
    """Between the positions, whatever else is there."""
    await two(store)
    old = replace(w.event("redeem"), user_id=None)
    young = replace(old, at=LATER)
    links = await chained(store, replace(old, user_id=ADA), replace(old, action="refresh"), old, young)
    ids = [link.event_id for link in links[-4:]]
    await store.write(HELD)

    async def left() -> list[int]:
        return [ids.index(row.id) for row in await store.settled_rows(ids[0] - 1, 99) if row.id in ids]

    span = c.PruneLedger(first=links[-4].position, last=links[-1].position, before=w.NOW)
    await store.write(replace(span, actions=frozenset({"redeem"}), others=False))
    assert await left() == [0, 1, 3]
    await store.write(replace(span, actions=frozenset({"redeem"})))
    assert await left() == [0, 3]
