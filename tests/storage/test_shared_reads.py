"""Reads of one thing at one moment are shared, and no answer is older than its question."""

from __future__ import annotations

import asyncio

import pytest

from broker.storage.shared_reads import SharedReads

pytestmark = pytest.mark.anyio


class Row:
    """Something that can be read, and takes its time: a read sees what was there when it began."""

    def __init__(self) -> None:
        self.value = "old"
        self.begun: list[str] = []
        self.go_on = asyncio.Event()

    async def read(self, key: str) -> str:
        """As the database would answer."""
        seen = self.value
        self.begun.append(key)
        await self.go_on.wait()
        if seen == "broken":
            raise ConnectionError(seen)
        return f"{key} {seen}"


async def settled() -> None:
    """Everybody who can go on has done so."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_asks_while_a_read_is_under_way_shares_the_next_one_and_sees_what_changed_before() -> None:
    """Sixteen ask after the change, with one read: the one under way began before it."""
    row = Row()
    ask = SharedReads(row.read)
    first = asyncio.create_task(ask("a"))
    await settled()
    row.value = "new"
    others = [asyncio.create_task(ask("a")) for _ in range(16)]
    await settled()
    row.go_on.set()

    assert await first == "a old"
    assert set(await asyncio.gather(*others)) == {"a new"}
    assert row.begun == ["a", "a"]


async def test_one_after_another_each_reads_for_itself() -> None:
    """Nothing is remembered."""
    row = Row()
    row.go_on.set()
    ask = SharedReads(row.read)

    assert await ask("a") == "a old"
    row.value = "new"
    assert await ask("a") == "a new"


async def test_reads_of_different_things_do_not_wait_for_each_other() -> None:
    """Both are under way at once."""
    row = Row()
    ask = SharedReads(row.read)
    both = asyncio.gather(ask("a"), ask("b"))
    await settled()

    assert row.begun == ["a", "b"]
    row.go_on.set()
    assert [*await both] == ["a old", "b old"]


async def test_a_failure_is_everybodys_who_waited_and_the_next_who_asks_reads_anew() -> None:
    """Whoever waited has waited long enough; a failure is not remembered either."""
    row = Row()
    row.value = "broken"
    ask = SharedReads(row.read)
    waiting = [asyncio.create_task(ask("a")) for _ in range(3)]
    await settled()
    row.go_on.set()

    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["broken"] * 3
    assert row.begun == ["a"]
    row.value = "new"
    assert await ask("a") == "a new"


async def test_a_read_that_follows_and_fails_fails_for_all_who_share_it() -> None:
    """The first has its answer."""
    row = Row()
    ask = SharedReads(row.read)
    first = asyncio.create_task(ask("a"))
    await settled()
    row.value = "broken"
    others = [asyncio.create_task(ask("a")) for _ in range(2)]
    await settled()
    row.go_on.set()

    assert await first == "a old"
    outcomes = await asyncio.gather(*others, return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["broken"] * 2


@pytest.mark.parametrize("leaves", [0, 1], ids=["who reads", "who waits"])
async def test_who_goes_away_takes_nobody_along(leaves: int) -> None:
    """Neither the one that reads nor one that shares."""
    row = Row()
    ask = SharedReads(row.read)
    asking = [asyncio.create_task(ask("a")) for _ in range(3)]
    await settled()
    asking.pop(leaves).cancel()
    await settled()
    row.go_on.set()

    assert await asyncio.gather(*asking) == ["a old", "a old"]
    assert await ask("a") == "a old"
