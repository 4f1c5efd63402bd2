"""What somebody who begins to follow is told first."""

from __future__ import annotations

import pytest

from broker.domain.changes import Announce
from broker.domain.revocation import Claim, Notice
from broker.flows.found import Told
from broker.flows.revocations.catch_up import MOST, CaughtUp, catch_up
from tests.fakes.clock import SettableClock
from tests.fakes.store import MemoryStore

pytestmark = pytest.mark.anyio

NOW = 1_800_000_000
CLOCK = SettableClock(NOW)


async def told(store: MemoryStore, many: int, *, until: int = NOW + 300) -> tuple[Told, ...]:
    await store.write(*(Announce(notice=Notice(claim=Claim.SID, value=f"ses_{n}", until=until)) for n in range(many)))
    return tuple(await store.revocations(0, many + 9))


async def test_who_knows_nothing_is_told_everything_in_force() -> None:
    """Of an empty store, too."""
    store = MemoryStore()
    assert await catch_up(None, store, CLOCK) == CaughtUp(cursor=0, whole=True, told=())
    await told(store, 2, until=NOW)
    every = await told(store, 3)

    assert await catch_up(None, store, CLOCK) == CaughtUp(cursor=5, whole=True, told=every[2:])


async def test_who_comes_back_is_told_what_came_after() -> None:
    """All of it, and nothing twice."""
    store = MemoryStore()
    every = await told(store, 4)

    assert await catch_up(2, store, CLOCK) == CaughtUp(cursor=4, whole=False, told=every[2:])
    assert await catch_up(4, store, CLOCK) == CaughtUp(cursor=4, whole=False, told=())


@pytest.mark.parametrize("cursor", [0, 1, 6, 10**18])
async def test_a_cursor_that_is_not_known_is_none(cursor: int) -> None:
    """Too old, or of another database."""
    store = MemoryStore()
    await told(store, 2, until=NOW)
    every = await told(store, 3)
    await store.forget_expired(NOW)

    assert await catch_up(cursor, store, CLOCK) == CaughtUp(cursor=5, whole=True, told=every[2:])


async def test_who_missed_very_much_is_told_everything_at_once() -> None:
    """One event for all is less than one for each."""
    store = MemoryStore()
    await told(store, MOST + 2)

    assert (await catch_up(1, store, CLOCK)).whole
    assert not (await catch_up(2, store, CLOCK)).whole


class _Unsettled(MemoryStore):
    """A store of which everything after the cursor 2 is of transactions that could still be overtaken."""

    async def revocations(self, first: int, limit: int) -> tuple[Told, ...]:
        found = await super().revocations(first, limit)
        return tuple(Told(cursor=one.cursor, settled=one.cursor <= 2, notice=one.notice) for one in found)


async def test_a_cursor_that_could_be_overtaken_is_not_taken() -> None:
    """Ours never is such a one: it is of a database that has begun to count anew."""
    store = _Unsettled()
    await told(store, 4)

    assert (await catch_up(3, store, CLOCK)).whole
    after = await catch_up(1, store, CLOCK)
    assert (after.whole, after.cursor, [one.cursor for one in after.told]) == (False, 2, [2, 3, 4])
