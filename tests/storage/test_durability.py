"""What was acknowledged stays: after closing, after a process is killed in the middle of its work."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from pathlib import Path

import pytest

from broker.domain.errors import Conflict
from broker.domain.ids import AttemptId
from broker.storage.store import SqlStore
from tests.storage import world as w

pytestmark = pytest.mark.anyio

ENOUGH = 200


async def test_what_was_written_is_there_after_reopening(store_url: str) -> None:
    """By another process, as it were."""
    async with SqlStore(store_url) as store:
        await store.write(*w.invited())
        await store.write(*w.first_sign_in())
    async with SqlStore(store_url) as store:
        found = await store.grant(w.grant().id)

    assert found is not None
    assert found.grant == w.grant()


async def test_a_killed_process_loses_nothing_that_it_acknowledged(store_url: str) -> None:
    """And leaves no unit half written."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.storage.writer", store_url, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    acknowledged = [int(await process.stdout.readline()) for _ in range(ENOUGH)]
    process.kill()
    rest = (await process.stdout.read()).decode().splitlines(keepends=True)
    await process.wait()
    acknowledged += [int(line) for line in rest if line.endswith("\n")]

    async with SqlStore(store_url) as store:
        taken = [(await store.attempt(AttemptId(f"att_{number}"), None)).taken for number in acknowledged]
        recorded = {int(event.action) for event in await store.events(99_999)}
        attempted = {n for n in range(max(recorded) + 9) if (await store.attempt(AttemptId(f"att_{n}"), None)).taken}

    assert all(taken)
    assert recorded >= set(acknowledged)
    assert recorded == attempted


async def test_sqlite_is_told_to_be_durable(sqlite_store_url: str, tmp_path: Path) -> None:
    """Write-ahead log, and a flush to the disk with each commit."""
    async with SqlStore(sqlite_store_url) as store:
        await store.write(w.attempt())
        assert (tmp_path / "broker.db-wal").exists()
    with sqlite3.connect(tmp_path / "broker.db") as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    database.close()


async def test_a_caller_who_goes_away_leaves_a_unit_whole(sql_store: SqlStore) -> None:
    """Cancelled at any moment, a unit is written or it is not; and the store goes on."""
    for number in range(60):
        unit = asyncio.create_task(sql_store.write(*(w.attempt(10 * number + part) for part in range(10))))
        await asyncio.sleep(number * 0.0001)
        unit.cancel()
        await asyncio.wait([unit])
    for number in range(60):
        parts = [(await sql_store.attempt(AttemptId(f"att_{10 * number + part}"), None)).taken for part in range(10)]

        assert len(set(parts)) == 1


async def test_answers_never_reach_another_caller(sql_store: SqlStore) -> None:
    """Though callers go away in the middle of theirs."""
    await sql_store.write(*(w.attempt(number) for number in range(0, 200, 2)))

    async def ask(number: int) -> bool:
        return (await sql_store.attempt(AttemptId(f"att_{number}"), None)).taken

    for _ in range(5):
        asked = [asyncio.create_task(ask(number)) for number in range(200)]
        await asyncio.sleep(0.002)
        for task in asked[::3]:
            task.cancel()
        answers = await asyncio.gather(*asked, return_exceptions=True)

        assert all(
            answer is (number % 2 == 0)
            for number, answer in enumerate(answers)
            if not isinstance(answer, asyncio.CancelledError)
        )


async def test_a_lost_unit_is_told_apart_from_a_written_one(sql_store: SqlStore) -> None:
    """Whoever does not know whether their unit was written can write it again, and learns."""
    await sql_store.write(w.attempt())
    with pytest.raises(Conflict):
        await sql_store.write(w.attempt())
