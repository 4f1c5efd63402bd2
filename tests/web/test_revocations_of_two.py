"""Two processes at one database: what one commits the other tells, within a second, whatever happens to either."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from broker.domain.changes import Announce
from broker.domain.revocation import Claim, Notice
from broker.storage.migrate import migrate
from broker.storage.store import SqlStore
from tests.flows.setting import NOW
from tests.flows.world import open_world
from tests.web.following import Broker, Following, following, notice_of, served

pytestmark = pytest.mark.anyio

GENEROUS = 1.0
"""Seconds from the commit to the follower: what is promised of 99 in a hundred, on a machine of one's own."""


def notice(value: str) -> Notice:
    return Notice(claim=Claim.SID, value=value, until=NOW + 300)


@pytest.fixture
async def two(postgres_url: str) -> AsyncIterator[tuple[Broker, Broker]]:
    """Brokers with nothing in common but a database and their signing key."""
    await migrate(postgres_url)
    world = await open_world()
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(SqlStore(postgres_url)) for _ in range(2)]
        one, another = [await stack.enter_async_context(served(replace(world.ports, store=store))) for store in stores]
        yield one, another


async def test_what_one_commits_the_other_tells_within_a_second(two: tuple[Broker, Broker]) -> None:
    """Twenty-five times; at both, in the same order."""
    one, another = two
    seconds = []
    async with following(one) as here, following(another) as there:
        await here.event()
        await there.event()
        for number in range(25):
            await one.ports.store.write(Announce(notice=notice(f"ses_{number}")))
            committed = time.monotonic()
            heard = await asyncio.gather(here.event(), there.event())
            seconds.append(time.monotonic() - committed)
            assert [notice_of(event)["value"] for event in heard] == [f"ses_{number}"] * 2
            assert heard[0].last_id == heard[1].last_id

    assert sorted(seconds)[-2] < GENEROUS


async def test_a_cursor_of_one_is_good_at_the_other(two: tuple[Broker, Broker]) -> None:
    """Many followers change between the two while somebody writes: each hears everything, once, in one order."""
    one, another = two
    orders: list[list[str]] = []

    async def follow(first: Broker, second: Broker) -> None:
        heard: list[str] = []
        last = None
        brokers = [first, second]
        while not heard or heard[-1] != "last":
            async with following(brokers[len(heard) % 2], last=last) as stream:
                for _ in range(3):
                    event = await stream.event()
                    last = event.last_id
                    if event.kind == "snapshot":
                        assert heard == []
                        heard += [entry["value"] for entry in notice_of(event)["revoked"]]
                    else:
                        heard.append(notice_of(event)["value"])
                    if heard and heard[-1] == "last":
                        break
        orders.append(heard)

    await one.ports.store.write(Announce(notice=notice("first")))
    followers = asyncio.gather(*(follow(*pair) for pair in [(one, another), (another, one)] * 3))
    for number in range(40):
        await (one, another)[number % 2].ports.store.write(Announce(notice=notice(f"ses_{number}")))
        await asyncio.sleep(0.01)
    await one.ports.store.write(Announce(notice=notice("last")))
    async with asyncio.timeout(30):
        await followers

    assert orders == [["first", *(f"ses_{number}" for number in range(40)), "last"]] * 6


async def test_an_open_transaction_neither_hides_nor_delays_what_others_commit(
    two: tuple[Broker, Broker], postgres_url: str
) -> None:
    """What is told meanwhile has the cursor before it, so that whoever comes back still hears the late one."""
    one, another = two
    await one.ports.store.write(Announce(notice=notice("first")))
    async with following(one) as stream:
        first = await stream.event()
        slow = await asyncpg.connect(postgres_url)
        transaction = slow.transaction()
        await transaction.start()
        await slow.execute("INSERT INTO revocations (claim, value, until) VALUES ('sid', 'slow', 1900000300)")
        await one.ports.store.write(Announce(notice=notice("quick")))
        quick = await stream.event()
        assert (notice_of(quick)["value"], quick.last_id) == ("quick", first.last_id)
        async with following(another, last=first.last_id) as early:
            assert notice_of(await early.event())["value"] == "quick"
            await transaction.commit()
            await slow.close()
            late = [await stream.event(), await early.event()]
            await one.ports.store.write(Announce(notice=notice("after")))
            after = [await stream.event(), await early.event()]

    assert [notice_of(event)["value"] for event in (*late, *after)] == ["slow", "slow", "after", "after"]
    async with following(another, last=quick.last_id) as back:
        assert await values(back, 3) == ["slow", "quick", "after"]
    async with following(another, last=late[0].last_id) as back:
        assert await values(back, 2) == ["quick", "after"]


async def values(stream: Following, many: int) -> list[Any]:
    return [notice_of(event)["value"] for event in await stream.events(many)]


async def test_a_killed_process_takes_no_notice_with_it(two: tuple[Broker, Broker], postgres_url: str) -> None:
    """What it had committed when it was killed is told by the others; what it had not has not happened."""
    one, another = two
    async with following(one) as stream:
        await stream.event()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.web.announcer", postgres_url, str(NOW + 300), stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        committed = {(await process.stdout.readline()).decode().strip() for _ in range(100)}
        os.kill(process.pid, signal.SIGKILL)
        rest = (await process.stdout.read()).decode()
        committed |= {line for line in rest.splitlines(keepends=False) if line} if rest.endswith("\n") else set()
        await process.wait()
        await another.ports.store.write(Announce(notice=notice("last")))
        heard: list[str] = []
        while not heard or heard[-1] != "last":
            heard += await values(stream, 1)
        kept = [told.notice.value for told in await another.ports.store.revocations(0, 99_999)]
        # The database may have been committing the killed process's last one, and put it after this last.
        heard += await values(stream, len(kept) - len(heard))

    assert heard == kept
    assert committed <= set(heard)
    assert len(heard) == len(set(heard))
