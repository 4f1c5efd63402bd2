"""The database goes away, hangs, or is busy: callers are told in time, and all is well again when it comes back."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from broker.domain.errors import Fault
from broker.domain.ids import AttemptId
from broker.storage.migrate import migrate, pending
from broker.storage.store import SqlStore
from tests.servers import postgres
from tests.servers.postgres import PostgresServer, postgres_server
from tests.servers.process import start, stop, wait_until_ready
from tests.storage import world as w
from tests.storage.proxy import proxied

pytestmark = pytest.mark.anyio

IN_TIME = 3.5
"""Seconds: the limit of two, and room for a busy machine."""


async def told(call: Callable[[], Awaitable[object]]) -> str:
    """What a caller is told, who must not wait long for it."""
    began = time.monotonic()
    with pytest.raises(Fault) as fault:
        await call()
    assert time.monotonic() - began < IN_TIME
    return fault.value.code


# ── PostgreSQL


def stop_server(server: PostgresServer) -> None:
    """As an operator does who is in a hurry."""
    pid_file = server.folder / "data" / "postmaster.pid"
    os.kill(int(pid_file.read_text().split()[0]), signal.SIGINT)
    while pid_file.exists():
        time.sleep(0.01)


def start_server(server: PostgresServer) -> subprocess.Popen[bytes]:
    """The same data at the same port."""
    command: list[str | Path] = [server.programs / "postgres", "-D", server.folder / "data", f"--port={server.port}"]
    settings = [f"--{name}={value}" for name, value in postgres.SETTINGS.items()]
    settings.append(f"--unix_socket_directories={server.folder}")
    log = server.folder / "log"
    process = start([*command, *settings], log=log, user=server.folder.stat().st_uid, on_our_death=signal.SIGINT)
    asked: list[str | Path] = [server.programs / "pg_isready", "--quiet"]
    asked += ["--host", server.folder, "--port", str(server.port)]
    wait_until_ready(process, lambda: subprocess.run(asked, check=False).returncode == 0, log)
    return process


async def test_a_stopped_server_is_told_of_and_a_started_one_is_used_again() -> None:
    """By the same store, at once, nothing lost."""
    with postgres_server() as server:
        url = server.url(server.create_database())
        await migrate(url)
        async with SqlStore(url) as store:
            await store.write(w.attempt(1))
            stop_server(server)
            assert await told(store.ping) == "storage_unavailable"
            assert await told(lambda: store.write(w.attempt(2))) == "storage_unavailable"
            assert await told(lambda: pending(url)) == "storage_unavailable"
            process = start_server(server)
            try:
                await store.write(w.attempt(3))
                answers = [(await store.attempt(AttemptId(f"att_{number}"), None)).taken for number in (1, 2, 3)]
            finally:
                await store.close()
                stop(process, signal.SIGINT)

    assert answers == [True, False, True]


async def test_a_silent_network_is_told_of_in_time(postgres_store_url: str) -> None:
    """Packets are lost: neither a read nor a write nor a new connection waits longer than its limit."""
    async with proxied(postgres_store_url) as proxy, SqlStore(proxy.url) as store:
        await store.ping()
        proxy.be_silent()
        assert await told(store.ping) == "storage_unavailable"
        assert await told(lambda: store.write(w.attempt())) == "storage_unavailable"
        proxy.cut()
        proxy.speak()

        await store.ping()


async def test_a_cut_connection_is_replaced_without_anybody_noticing(postgres_store_url: str) -> None:
    """A server that was restarted, a firewall that forgot: a read is simply asked again."""
    async with proxied(postgres_store_url) as proxy, SqlStore(proxy.url) as store:
        for _ in range(5):
            await asyncio.gather(*(store.ping() for _ in range(8)))
            proxy.cut()
        await store.ping()


async def test_connections_that_the_server_ends_are_replaced(postgres_store_url: str) -> None:
    """An administrator ends them all."""
    async with SqlStore(postgres_store_url) as store:
        await asyncio.gather(*(store.ping() for _ in range(8)))
        administrator = await asyncpg.connect(postgres_store_url)
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'partner-ops-broker'"
        assert await administrator.fetch(ended)
        await administrator.close()

        await asyncio.gather(*(store.ping() for _ in range(8)))


async def test_a_refused_connection_is_told_of_at_once(postgres_store_url: str) -> None:
    """Nothing listens there any more."""
    async with proxied(postgres_store_url) as proxy, SqlStore(proxy.url) as store:
        await proxy.refuse()

        began = time.monotonic()
        assert await told(store.ping) == "storage_unavailable"
        assert time.monotonic() - began < 1.0


async def test_a_host_that_has_no_address_is_a_fault() -> None:
    """The name server is away, or the settings are wrong."""
    async with SqlStore("postgresql://broker@database.invalid/broker") as store:
        with pytest.raises(Fault) as fault:
            await store.ping()

    assert fault.value.code == "storage_unavailable"


async def test_who_cannot_get_a_connection_is_told_within_a_second(postgres_store_url: str) -> None:
    """Every connection is busy; those who have one finish undisturbed."""
    async with SqlStore(postgres_store_url, connections=1) as store:
        await store.ping()
        blocker = await asyncpg.connect(postgres_store_url)
        async with blocker.transaction():
            await blocker.execute("LOCK TABLE taken_attempts")
            busy = asyncio.create_task(store.attempt(AttemptId("att_1"), None))
            await asyncio.sleep(0.1)
            began = time.monotonic()
            assert await told(store.ping) == "storage_unavailable"
            assert time.monotonic() - began < 1.9
        await blocker.close()

        assert not (await busy).taken


async def test_a_statement_that_takes_too_long_is_ended(postgres_store_url: str) -> None:
    """By the server, which then answers the next."""
    async with SqlStore(postgres_store_url) as store:
        blocker = await asyncpg.connect(postgres_store_url)
        async with blocker.transaction():
            await blocker.execute("LOCK TABLE taken_attempts")
            assert await told(lambda: store.write(w.attempt())) == "storage_unavailable"
        await blocker.close()

        await store.write(w.attempt())


async def test_a_wrong_password_is_a_fault_that_does_not_repeat_it(postgres_store_url: str) -> None:
    """Nor the URL it stands in."""
    wrong = postgres_store_url.replace("postgres:", "postgres:wrong-", 1)
    async with SqlStore(wrong) as store:
        with pytest.raises(Fault) as fault:
            await store.ping()

    assert "InvalidPasswordError" in fault.value.detail
    assert "wrong-" not in str(fault.value)


# ── SQLite


async def test_a_missing_file_is_a_fault_and_none_is_made(tmp_path: Path) -> None:
    """It is for `migrate` to make one; once it has, the same store works."""
    path = tmp_path / "broker.db"
    async with SqlStore(f"sqlite:///{path}") as store:
        assert await told(store.ping) == "storage_unavailable"
        assert not path.exists()
        await migrate(f"sqlite:///{path}")

        await store.ping()


async def test_a_file_that_another_process_writes_to_is_waited_for_but_not_long(
    sqlite_store_url: str, tmp_path: Path
) -> None:
    """Reads go on meanwhile."""
    async with SqlStore(sqlite_store_url) as store:
        await store.ping()
        another = sqlite3.connect(tmp_path / "broker.db", isolation_level=None)
        another.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(told(lambda: store.write(w.attempt(1))))
        assert (await store.attempt(AttemptId("att_1"), None)).taken is False
        assert await writing == "storage_unavailable"
        another.execute("ROLLBACK")
        another.close()

        await store.write(w.attempt(1))


async def test_who_waited_too_long_in_line_finds_nothing_written_later(sqlite_store_url: str, tmp_path: Path) -> None:
    """Two were told of a fault, the second before its turn: neither unit is written behind their backs."""
    async with SqlStore(sqlite_store_url) as store:
        another = sqlite3.connect(tmp_path / "broker.db", isolation_level=None)
        another.execute("BEGIN IMMEDIATE")
        await asyncio.gather(*(told(lambda n=n: store.write(w.attempt(n))) for n in (1, 2)))  # type: ignore[misc]
        another.execute("ROLLBACK")
        another.close()
        await store.write(w.attempt(3))

        assert [(await store.attempt(AttemptId(f"att_{n}"), None)).taken for n in (1, 2, 3)] == [False, False, True]


async def test_a_damaged_file_is_a_fault(tmp_path: Path) -> None:
    """Not a crash."""
    (tmp_path / "broker.db").write_bytes(b"not a database" * 1000)
    async with SqlStore(f"sqlite:///{tmp_path / 'broker.db'}") as store:
        assert await told(store.ping) == "storage_unavailable"


# ── both


async def test_a_database_without_tables_says_what_is_missing(postgres_url: str) -> None:
    """The operator is told apart from an outage."""
    async with SqlStore(postgres_url) as store:
        assert await told(store.ping) == "storage_not_migrated"


async def test_a_closed_store_is_closed(store_url: str) -> None:
    """Closing twice is no error; asking afterwards is a fault."""
    store = SqlStore(store_url)
    await store.ping()
    await store.close()
    await store.close()

    assert await told(store.ping) == "storage_unavailable"


async def test_a_store_that_was_never_used_can_be_closed(store_url: str) -> None:
    """Nothing was opened."""
    await SqlStore(store_url).close()


async def test_a_fault_never_repeats_a_value(postgres_store: SqlStore) -> None:
    """Drivers quote what they fail on; the fault, and what is chained to it, does not."""
    with pytest.raises(Fault) as fault:
        await postgres_store.data_key("canary\x00")

    assert "canary" not in f"{fault.value} {fault.value.__cause__} {fault.value.detail}"
    assert fault.value.__suppress_context__
