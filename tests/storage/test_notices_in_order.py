"""On PostgreSQL transactions end in another order than they began: nobody who reads by a cursor misses a notice."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from broker.domain import changes as c
from broker.domain.revocation import Claim, Notice
from broker.storage.store import SqlStore
from tests.storage import world as w

pytestmark = pytest.mark.anyio


def announce(value: str) -> c.Announce:
    return c.Announce(notice=Notice(claim=Claim.SID, value=value, until=w.NOW + 300))


INSERT = "INSERT INTO revocations (claim, value, until) VALUES ('sid', '{}', 1800000300)"


async def test_a_notice_is_not_settled_while_an_older_transaction_is_open(
    postgres_store: SqlStore, postgres_store_url: str
) -> None:
    """The open one's has the smaller cursor, and comes later: whoever went on from the other's would miss it."""
    await postgres_store.write(announce("first"))
    slow = await asyncpg.connect(postgres_store_url)
    transaction = slow.transaction()
    await transaction.start()
    await slow.execute(INSERT.format("slow"))
    await postgres_store.write(announce("quick"))
    meanwhile = await postgres_store.revocations(0, 9)

    assert [(one.notice.value, one.settled) for one in meanwhile] == [("first", True), ("quick", False)]
    assert await postgres_store.last_revocation() == meanwhile[0].cursor
    assert [one.settled for one in await postgres_store.revocations_in_force(w.NOW)] == [True, False]
    await transaction.commit()
    await slow.close()
    after = await postgres_store.revocations(meanwhile[0].cursor + 1, 9)
    assert [(one.notice.value, one.settled) for one in after] == [("slow", True), ("quick", True)]
    assert after[0].cursor < meanwhile[1].cursor == after[1].cursor


async def test_a_transaction_that_fails_leaves_no_gap_to_wait_for(
    postgres_store: SqlStore, postgres_store_url: str
) -> None:
    """Once it has ended, however it has."""
    slow = await asyncpg.connect(postgres_store_url)
    transaction = slow.transaction()
    await transaction.start()
    await slow.execute(INSERT.format("never"))
    await postgres_store.write(announce("quick"))
    await transaction.rollback()
    await slow.close()

    (only,) = await postgres_store.revocations(0, 9)
    assert (only.notice.value, only.settled) == ("quick", True)


async def test_whoever_reads_by_the_settled_cursor_reads_everything_once(postgres_store_url: str) -> None:
    """Sixteen write, in transactions that last unequally long, while one reads."""
    read: list[str] = []
    written: list[str] = []

    async def write(number: int) -> None:
        connection = await asyncpg.connect(postgres_store_url)
        for turn in range(12):
            async with connection.transaction():
                for part in range(number % 3 + 1):
                    value = f"{number}-{turn}-{part}"
                    await connection.execute(INSERT.format(value))
                    written.append(value)
                    await asyncio.sleep((number * 7 + turn * 5 + part) % 4 * 0.002)
        await connection.close()

    async def all_write() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(16):
                group.create_task(write(number))

    async def follow(store: SqlStore, writers: asyncio.Task[None]) -> None:
        cursor, last_look = 0, False
        while not last_look:
            last_look = writers.done()
            for one in await store.revocations(cursor + 1, 50):
                if not one.settled:
                    break
                read.append(one.notice.value)
                cursor = one.cursor

    async with SqlStore(postgres_store_url) as store:
        writers = asyncio.create_task(all_write())
        await follow(store, writers)
        await writers
    assert sorted(read) == sorted(written)


async def test_an_epoch_that_two_raise_at_once_is_told_as_it_became(
    postgres_store: SqlStore, postgres_store_url: str
) -> None:
    """The second waits for the first, and tells one more than that: none between them is forgotten."""
    await postgres_store.write(*w.registered(), *w.newcomer())
    await postgres_store.write(c.AddAuthorization(authorization=w.authorization(bound=True)))
    rival = await asyncpg.connect(postgres_store_url)
    async with rival.transaction():
        await rival.execute("UPDATE users SET epoch = epoch + 5 WHERE id = 'usr_ada'")
        removal = c.RemoveAuthorization(authorization_id=w.authorization().id, at=w.NOW)
        unit = asyncio.create_task(postgres_store.write(removal))
        await asyncio.sleep(0.1)
    await rival.close()
    await unit

    assert [one.notice.epoch for one in await postgres_store.revocations(0, 9)] == [6]


async def test_an_invitation_that_is_taken_while_its_client_goes_is_told(
    postgres_store: SqlStore, postgres_store_url: str
) -> None:
    """Whoever became one of its Users in the last moment hears of it like the others."""
    await postgres_store.write(*w.invited(), *w.newcomer())
    rival = await asyncpg.connect(postgres_store_url)
    async with rival.transaction():
        await rival.execute("UPDATE authorizations SET user_id = 'usr_ada' WHERE id = 'azn_acme_ada'")
        unit = asyncio.create_task(postgres_store.write(c.RemoveClientOrg(client_org_id=w.ACME, at=w.NOW)))
        await asyncio.sleep(0.1)
    await rival.close()
    await unit

    assert [one.notice.value for one in await postgres_store.revocations(0, 9)] == ["usr_ada"]
