"""A store of each kind, empty and migrated. The migrations run once; each test gets a copy of what they made."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from broker.flows.store import Store
from broker.storage.migrate import migrate
from broker.storage.store import SqlStore
from tests.fakes.store import MemoryStore
from tests.servers.postgres import PostgresServer


def migrated(url: str) -> None:
    """Migrate from a fixture that is not asynchronous, although a loop may be running around it."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(migrate(url))).result()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "broker.db"
    migrated(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_database(worker_postgres: PostgresServer) -> Iterator[str]:
    """The name of a database to copy."""
    name = worker_postgres.create_database()
    migrated(worker_postgres.url(name))
    yield name
    worker_postgres.drop_database(name)


@pytest.fixture
def sqlite_store_url(migrated_file: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'broker.db')}"


@pytest.fixture
def postgres_store_url(worker_postgres: PostgresServer, migrated_database: str) -> Iterator[str]:
    name = worker_postgres.create_database(template=migrated_database)
    yield worker_postgres.url(name)
    worker_postgres.drop_database(name)


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest) -> str:
    """A migrated database, on each engine in turn."""
    url: str = request.getfixturevalue(f"{request.param}_store_url")
    return url


@pytest.fixture
async def sql_store(store_url: str) -> AsyncIterator[SqlStore]:
    """The store on each engine in turn."""
    async with SqlStore(store_url) as store:
        yield store


@pytest.fixture
async def postgres_store(postgres_store_url: str) -> AsyncIterator[SqlStore]:
    async with SqlStore(postgres_store_url) as store:
        yield store


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """Every kind of store in turn: what holds for one holds for all."""
    if request.param == "memory":
        yield MemoryStore()
        return
    async with SqlStore(request.getfixturevalue(f"{request.param}_store_url")) as on_sql:
        yield on_sql
