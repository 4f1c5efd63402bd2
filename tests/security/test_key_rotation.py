"""G16-07, G16-12, G16-13: a KEK is rotated under load, killed at every step, and against those who write meanwhile."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from broker.crypto.keyring import Keyring
from broker.crypto.vault import LocalVault
from broker.domain.changes import ReplaceConnection
from broker.domain.connection import KeptAttribute, UpstreamTokens
from broker.domain.errors import Conflict
from broker.domain.ids import UserId
from broker.domain.sealing import Place
from broker.flows.keys.rewrap import AT_ONCE, LEASE_SECONDS, Rewrapped, rewrap
from broker.flows.sealed import seal
from broker.storage.store import SqlStore
from tests.fakes.clock import SettableClock
from tests.security.deployment import NEW, NOW, OLD, Deployment, deploy, reads
from tests.security.killed import killed

pytestmark = pytest.mark.anyio

READS_A_SECOND = 200


@pytest.fixture(params=["sqlite", "postgres"])
async def deployment(request: pytest.FixtureRequest, tmp_path: Path) -> Deployment:
    """Nobody there yet, on each database in turn."""
    url = None if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    return await deploy(tmp_path, url)


class Readers:
    """One broker process that serves two hundred reads a second, and takes on other keyrings as it is restarted."""

    def __init__(self, deployment: Deployment, *keks: str) -> None:
        self.deployment = deployment
        self.store = SqlStore(deployment.url)
        self.done, self.failed = 0, 0
        self.restart(*keks)

    def restart(self, *keks: str) -> None:
        """With this keyring; it has unwrapped nothing yet."""
        self.vault = LocalVault(self.deployment.keyring(*keks))

    async def read_on(self, rate: int) -> None:
        """Until cancelled, in step with the clock: what is late is caught up with."""
        loop, draw = asyncio.get_running_loop(), random.Random(1)
        began, running = loop.time(), set[asyncio.Task[None]]()
        for number in range(10**9):
            task = asyncio.create_task(self._read(draw.choice(self.deployment.users)))
            running.add(task)
            task.add_done_callback(running.discard)
            await asyncio.sleep(max(0.0, began + number / rate - loop.time()))

    async def _read(self, user_id: UserId) -> None:
        good = await reads(self.store, self.vault, user_id)
        self.done, self.failed = self.done + 1, self.failed + (not good)


async def rotate(deployment: Deployment, ring: Keyring, *, holder: str = "run_1", now: int = NOW) -> Rewrapped:
    """In this process, at once."""

    async def pace(_: Rewrapped) -> None:
        return

    async with SqlStore(deployment.url) as store:
        return await rewrap(store, LocalVault(ring), SettableClock(now), holder=holder, asked=True, pace=pace)


async def test_nobody_notices_a_rotation(deployment: Deployment) -> None:
    """G16-07: two processes go through its three phases one after the other, while a third one moves the keys.

    Two hundred reads a second, of which none may fail; Users who come meanwhile are readable everywhere too.
    """
    await deployment.add_users(1200, OLD)
    first, second = Readers(deployment, OLD), Readers(deployment, OLD)
    reading = [asyncio.create_task(each.read_on(READS_A_SECOND // 2)) for each in (first, second)]
    command = None
    for step, (keks_of_first, keks_of_second) in enumerate(
        [
            ((OLD, NEW), (OLD,)),
            ((OLD, NEW), (OLD, NEW)),
            ((NEW, OLD), (OLD, NEW)),
            ((NEW, OLD), (NEW, OLD)),
            ((NEW,), (NEW, OLD)),
            ((NEW,), (NEW,)),
        ]
    ):
        first.restart(*keks_of_first)
        second.restart(*keks_of_second)
        wraps = keks_of_first if step % 2 else keks_of_second
        if step < 4:
            await deployment.add_users(10, *wraps)
        if step == 2:
            deployment.use(NEW, OLD)
            command = await broker("vault", "rotate", "--rate", "1000", config=deployment.config)
        if step == 3:
            assert command is not None
            assert await command.wait() == 0
            await rotate(deployment, deployment.keyring(NEW, OLD), now=NOW + 10 * LEASE_SECONDS)
            assert await deployment.keks() == {NEW: len(deployment.users)}
        await asyncio.sleep(0.4)
    for task in reading:
        task.cancel()
    await asyncio.gather(*reading, return_exceptions=True)
    await asyncio.sleep(0.1)

    assert (first.failed, second.failed) == (0, 0)
    assert first.done + second.done > 2.4 * READS_A_SECOND / 2
    assert await deployment.unreadable(NEW) == []
    await first.store.close()
    await second.store.close()


@pytest.fixture
async def half_way(tmp_path: Path) -> AsyncIterator[Deployment]:
    """Two batches of data keys under the old KEK."""
    deployment = await deploy(tmp_path)
    await deployment.add_users(AT_ONCE + 30, OLD)
    deployment.use(NEW, OLD)
    yield deployment


async def broker(*arguments: str, config: Path) -> asyncio.subprocess.Process:
    """One of the operator's commands."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "broker", *arguments, "--config", config, stderr=asyncio.subprocess.PIPE
    )


async def test_a_rotation_that_is_killed_at_any_step_is_carried_on(half_way: Deployment, tmp_path: Path) -> None:
    """G16-12: each row opens under exactly the KEK that it names, and the end is the same."""
    copies = []
    for step in range(99):
        copy = half_way.copy_to(tmp_path / str(step))
        copies.append(copy)
        if not await killed(copy.config, "rotate", step, "before" if step % 2 else "after"):
            break
        await assert_each_row_opens_under_its_kek(copy)
        done = await rotate(copy, copy.keyring(NEW, OLD), holder="run_2", now=NOW + LEASE_SECONDS)
        assert (done.left, done.is_ours) == (0, True)
        assert await copy.keks() == {NEW: AT_ONCE + 30}

    assert len(copies) > 10
    assert await copies[-1].unreadable(NEW) == []
    assert await copies[len(copies) // 2].unreadable(NEW) == []


async def assert_each_row_opens_under_its_kek(deployment: Deployment) -> None:
    """And not under the other one, whatever the row says."""
    vaults = {kek_id: LocalVault(deployment.keyring(kek_id)) for kek_id in (OLD, NEW)}
    async with SqlStore(deployment.url) as store:
        rows = [row for kek_id in vaults for row in await store.data_keys_under(kek_id, "", 9999)]
    assert len(rows) == len(deployment.users)
    for row in rows:
        place = Place(table="t", column="c", row_id="r", owner=row.owner, registration="-", generation=0)
        await vaults[row.kek_id].seal(row, place, b"")
        other = NEW if row.kek_id == OLD else OLD
        assert await vaults[other].rewrap([replace(row, kek_id=other)]) == [None]


@pytest.mark.parametrize("milliseconds", [250, 400, 550])
async def test_a_rotation_that_is_killed_from_outside_is_carried_on(half_way: Deployment, milliseconds: int) -> None:
    """G16-12: wherever it happens to be."""
    process = await broker("vault", "rotate", "--rate", "50", config=half_way.config)
    await asyncio.sleep(milliseconds / 1000)
    process.kill()
    await process.wait()
    await assert_each_row_opens_under_its_kek(half_way)
    await rotate(half_way, half_way.keyring(NEW, OLD), holder="run_2", now=4_000_000_000)

    assert await half_way.keks() == {NEW: AT_ONCE + 30}


async def test_a_rekey_that_is_killed_at_any_step_is_whole_or_nothing(half_way: Deployment) -> None:
    """G16-12: the User's old key and what is sealed under it go together."""
    user_id = half_way.users[0]
    half_way.users = [user_id]
    async with SqlStore(half_way.url) as store:
        before = await store.data_key(user_id)
        for step in range(9):
            for when in ("before", "after"):
                was_killed = await killed(half_way.config, user_id, step, when)
                assert await half_way.unreadable(NEW, OLD) == []
                after = await store.data_key(user_id)
                if was_killed:
                    assert (after != before) == ((step, when) == (2, "after"))
                before = after
            if not was_killed:
                break
    assert step == 3


async def test_the_newest_token_wins_over_a_rotation(deployment: Deployment) -> None:
    """G16-13: sign-ins write new tokens while their data keys move; every one of them is there afterwards."""
    await deployment.add_users(AT_ONCE + 100, OLD)
    vault = LocalVault(deployment.keyring(OLD, NEW))
    written: dict[UserId, int] = {}
    async with SqlStore(deployment.url) as store:

        async def sign_in_again(user_id: UserId, number: int) -> None:
            (found,) = await store.connections_of(user_id)
            connection = replace(found.connection, generation=found.connection.generation + 1)
            kept = (KeptAttribute(name="email", value=f"{user_id}@acme.example", since=NOW),)
            tokens = UpstreamTokens(access_token=f"{number} of {user_id}", refresh_token=None, expires_at=None)
            attributes, sealed = await seal(connection, kept, tokens, found.data_key, vault)
            connection = replace(connection, sealed_attributes=attributes, sealed_tokens=sealed)
            try:
                await store.write(
                    ReplaceConnection(connection=connection, expected_generation=found.connection.generation)
                )
            except Conflict:
                return
            written[user_id] = number

        async def sign_in_all_the_time() -> None:
            for number, user_id in enumerate(deployment.users[::4]):
                await sign_in_again(user_id, number)

        moved, _ = await asyncio.gather(
            rotate(deployment, deployment.keyring(NEW, OLD)),
            sign_in_all_the_time(),
        )

    assert moved.moved == len(deployment.users)
    assert len(written) == len(deployment.users[::4])
    assert await deployment.keks() == {NEW: len(deployment.users)}
    assert await deployment.unreadable(NEW) == []
