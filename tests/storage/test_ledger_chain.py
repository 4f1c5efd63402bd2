"""The chain on real databases: nobody's late commit is missed, nobody forks it, and a dead process leaves it whole."""

from __future__ import annotations

import asyncio
import random
import signal
import sqlite3
import sys
from typing import Any

import asyncpg
import pytest

from broker.crypto.ledger_heads import read_head
from broker.domain import changes as c
from broker.domain.ledger_chain import COLUMNS, linked
from broker.domain.ledger_check import Wrong
from broker.flows.ledger.chain import LEASE_SECONDS, chain
from broker.flows.ledger.verify import Verified, verify
from broker.storage.database_url import sqlite_path
from broker.storage.migrate import migrate
from broker.storage.store import SqlStore
from tests.fakes.clock import SettableClock
from tests.storage import world as w

pytestmark = pytest.mark.anyio

CLOCK = SettableClock(w.NOW)
ISSUER = "https://id.partner-ops.example"
CHAINS = """
import asyncio, sys
from broker.flows.ledger import chain as module
from broker.storage.store import SqlStore
from tests.fakes.clock import SettableClock

module.AT_ONCE = 7

async def main(url, holder):
    async with SqlStore(url) as store:
        clock = SettableClock(int(sys.argv[3]))
        print("begun", flush=True)
        while True:
            await module.chain(store, clock, holder=holder)
            clock.advance(module.LEASE_SECONDS)

asyncio.run(main(sys.argv[1], sys.argv[2]))
"""


async def record(store: SqlStore, many: int) -> None:
    await store.write(*(c.Record(event=w.event(f"event_{number}")) for number in range(many)))


async def verified(store: SqlStore) -> Verified:
    return await verify(store, read_head, ISSUER, None)


async def execute(url: str, statement: str, *arguments: Any) -> None:
    """As somebody does who can write to the database, but is no broker. Parameters are called $1, $2."""
    path = sqlite_path(url)
    if path is None:
        connection = await asyncpg.connect(url)
        await connection.execute(statement, *arguments)
        await connection.close()
        return
    with sqlite3.connect(path) as database:
        database.execute(statement.replace("$", "?"), arguments)
    database.close()


async def test_a_late_commit_is_chained_when_it_comes(postgres_store_url: str) -> None:
    """Others were faster: none of them is chained before it, so its place in the order stays free."""
    async with SqlStore(postgres_store_url) as store:
        await record(store, 2)
        slow = await asyncpg.connect(postgres_store_url)
        transaction = slow.transaction()
        await transaction.start()
        await slow.execute(
            "INSERT INTO ledger (at, action, outcome, reason, request_id) VALUES (1, 'slow', 'done', '', '')"
        )
        await record(store, 3)
        assert await chain(store, CLOCK, holder="one") == 2
        assert (await verified(store)).left == 3
        await transaction.commit()
        await slow.close()

        assert await chain(store, CLOCK, holder="one") == 4
        actions = [row.columns[2] for row in await store.settled_rows(0, 99)]
        assert actions.index("slow") == 2
        assert (await verified(store)).problems == ()


async def test_two_processes_chain_at_once_without_a_fork(store_url: str) -> None:
    """Whoever has the lease, and even where the clock says that both may have it."""
    async with SqlStore(store_url) as one, SqlStore(store_url) as other:
        clocks = SettableClock(w.NOW), SettableClock(w.NOW)
        await record(one, 300)

        async def chains(store: SqlStore, clock: SettableClock, holder: str) -> int:
            done = 0
            for _ in range(12):
                done += await chain(store, clock, holder=holder)
                clock.advance(LEASE_SECONDS)
                await record(store, 3)
            return done

        done = sum(await asyncio.gather(chains(one, clocks[0], "one"), chains(other, clocks[1], "other")))
        clocks[0].advance(9 * LEASE_SECONDS)
        done += await chain(one, clocks[0], holder="one")
        found = await verified(one)

    assert (found.problems, found.position, found.left) == ((), 372, 0)
    assert done == 372


async def test_killed_processes_leave_the_chain_that_would_have_been(store_url: str) -> None:
    """Again and again, at whatever point: with what another carries on, it is the same."""
    chance = random.Random(7)
    async with SqlStore(store_url) as store:
        await record(store, 400)
        expected = linked(None, await store.settled_rows(0, 999))
        for number in range(4):
            begins = str(w.NOW + number * 10**6)
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", CHAINS, store_url, f"run_{number}", begins), stdout=asyncio.subprocess.PIPE
            )
            assert process.stdout is not None
            await process.stdout.readline()
            await asyncio.sleep(chance.uniform(0.0, 0.05))
            process.send_signal(signal.SIGKILL)
            await process.wait()
            links = await store.links(0, 999)
            assert tuple(links) == expected[: len(links)]
        await chain(store, SettableClock(w.NOW + 10**8), holder="last")

        assert tuple(await store.links(0, 999)) == expected
        assert (await verified(store)).problems == ()


@pytest.mark.parametrize("column", [name for name in COLUMNS if name != "id"])
async def test_a_change_of_any_column_is_named(store_url: str, column: str) -> None:
    """By whoever can write to the database."""
    async with SqlStore(store_url) as store:
        await record(store, 5)
        await chain(store, CLOCK, holder="one")
        third = (await store.links(2, 1))[0].event_id
        value: object = {"at": 7, "sealed": b"other", "released": '["email" ]'}.get(column, "other")
        await execute(store_url, f"UPDATE ledger SET {column} = $1 WHERE id = $2", value, third)
        broken = (await verified(store)).broken

    assert broken is not None
    assert (broken.what, broken.position, broken.event_id) == (Wrong.CHANGED, 3, third)


async def test_what_is_deleted_swapped_or_put_in_is_named(store_url: str) -> None:
    """By whoever can write to the database."""
    async with SqlStore(store_url) as store:
        await record(store, 6)
        await chain(store, CLOCK, holder="one")
        ids = [link.event_id for link in await store.links(0, 9)]
        await execute(store_url, "UPDATE ledger SET id = -1 WHERE id = $1", ids[3])
        broken = (await verified(store)).broken
        assert broken is not None
        assert (broken.what, broken.position, broken.event_id) == (Wrong.REMOVED, 4, ids[3])

        await execute(store_url, "UPDATE ledger SET id = $1 WHERE id = $2", ids[3], ids[4])
        await execute(store_url, "UPDATE ledger SET id = $1 WHERE id = -1", ids[4])
        broken = (await verified(store)).broken
        assert broken is not None
        assert (broken.what, broken.position, broken.event_id) == (Wrong.REORDERED, 4, ids[3])

        await execute(store_url, "DELETE FROM ledger_links WHERE event_id = $1", ids[1])
        await execute(store_url, "UPDATE ledger_links SET position = position - 1 WHERE event_id = $1", ids[2])
        broken = (await verified(store)).broken
        assert broken is not None
        assert (broken.what, broken.position, broken.event_id) == (Wrong.INSERTED, 2, ids[1])


async def test_a_dump_in_a_cluster_that_counts_from_the_start_goes_on(postgres_store_url: str) -> None:
    """Until `broker migrate`, chaining says what to do; then new events come after all that were there."""
    async with SqlStore(postgres_store_url) as store:
        await record(store, 2)
        await execute(postgres_store_url, "UPDATE ledger SET id = id + (5000000::bigint << 20)")
        (link,) = linked(None, [(await store.rows_between(0, 2**62, 1))[0]])
        await store.write(c.AddLink(link=link))
        assert (await store.chain_end()).is_behind
        assert (await verified(store)).problems == ("new events cannot be chained: run broker migrate",)

        assert await migrate(postgres_store_url) == ()
        assert not (await store.chain_end()).is_behind
        await record(store, 3)
        assert await chain(store, CLOCK, holder="one") == 4
        found = await verified(store)
        assert (found.problems, found.position, found.left) == ((), 5, 0)
        assert await migrate(postgres_store_url) == ()
        await record(store, 1)
        assert await chain(store, CLOCK, holder="one") == 1
