"""The schema: made by the migrations alone, the same as tables.py, by one process at a time, all or nothing."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import sys
from dataclasses import fields
from pathlib import Path

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Table, create_engine
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from broker.domain.application import Application
from broker.domain.client_org import Authorization, ClientOrg
from broker.domain.connection import Connection as UserConnection
from broker.domain.consent import Consent
from broker.domain.errors import Fault
from broker.domain.grant import Grant
from broker.domain.identity import Identity
from broker.domain.ledger import AuditEvent
from broker.domain.outbox import PendingRevocation
from broker.domain.sealing import WrappedKey
from broker.domain.session import Session
from broker.domain.signing_key import SigningKey
from broker.domain.user import User
from broker.storage import tables
from broker.storage.migrate import migrate, pending
from broker.storage.pool import SEARCH_PATH
from broker.storage.schema import MIGRATIONS, after, revisions
from broker.storage.store import SqlStore
from tests.storage import world as w

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without tables; of SQLite not even the folder is there."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'var' / 'broker.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


async def test_migrating_makes_what_was_pending(empty_url: str) -> None:
    """And a second time nothing."""
    assert await pending(empty_url) == revisions() != ()
    assert await migrate(empty_url) == revisions()
    assert await pending(empty_url) == ()
    assert await migrate(empty_url) == ()
    async with SqlStore(empty_url) as store:
        await store.ping()


async def test_asking_what_is_pending_makes_nothing(tmp_path: Path) -> None:
    """Neither a file nor a table."""
    await pending(f"sqlite:///{tmp_path / 'broker.db'}")

    assert files_in(tmp_path) == []


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_processes_that_migrate_at_once_do_it_one_after_the_other(empty_url: str) -> None:
    """One applies the migrations, the other finds nothing left to do."""
    script = (
        "import asyncio, sys; from broker.storage.migrate import migrate; print(len(asyncio.run(migrate(sys.argv[1]))))"
    )
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", script, empty_url, stdout=asyncio.subprocess.PIPE)
        for _ in range(2)
    ]
    printed = [int((await process.communicate())[0]) for process in processes]

    assert sorted(printed) == [0, len(revisions())]


async def test_migrations_that_fail_leave_nothing(empty_url: str) -> None:
    """A table of the same name is in the way of a later one: the earlier ones are gone again too."""
    path = Path(empty_url.removeprefix("sqlite:///"))
    if empty_url.startswith("sqlite"):
        path.parent.mkdir()
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE leases (other TEXT)")
        database.close()
    else:
        connection = await asyncpg.connect(empty_url)
        await connection.execute("CREATE TABLE leases (other TEXT)")
        await connection.close()
    with pytest.raises(Fault):
        await migrate(empty_url)

    assert await pending(empty_url) == revisions()
    assert await names_of_tables(empty_url) == {"leases"}


async def names_of_tables(url: str) -> set[str]:
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as database:
            found = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        database.close()
        return {name for (name,) in found}
    connection = await asyncpg.connect(url)
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    await connection.close()
    return {row[0] for row in rows}


def test_the_order_of_names_is_the_order_of_revisions() -> None:
    """One line without branches, each revision named as its file."""
    script = ScriptDirectory(str(MIGRATIONS))
    walked = [revision.revision for revision in script.walk_revisions()]

    assert tuple(reversed(walked)) == revisions()
    assert all(re.fullmatch(r"\d{4}_\d\d_\d\d_[a-z0-9_]{1,21}", name) for name in revisions())


def test_a_newer_database_lacks_nothing() -> None:
    """The version before goes on serving while the next one has already migrated."""
    assert after("2999_01_01_of_a_later_version") == ()
    assert after(None) == revisions()


# ── the same as tables.py


async def connected(url: str) -> asyncpg.Connection[asyncpg.Record]:
    """As the broker is."""
    return await asyncpg.connect(url, server_settings={"search_path": SEARCH_PATH})


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    return list(compare_metadata(context, tables.metadata))


async def test_the_migrations_make_the_tables_of_the_code_on_sqlite(sqlite_store_url: str) -> None:
    """As Alembic sees it."""
    with create_engine(sqlite_store_url, poolclass=NullPool).connect() as connection:
        assert differences(connection) == []


async def test_the_migrations_make_the_tables_of_the_code_on_postgres(postgres_store_url: str) -> None:
    """As Alembic sees it."""
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: connected(postgres_store_url), poolclass=NullPool
    )
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_the_migrations_make_every_detail_of_the_code(postgres_url: str, postgres_store_url: str) -> None:
    """Indexes, their conditions, collations and storage too, which Alembic does not compare."""
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: connected(postgres_url), poolclass=NullPool
    )
    async with engine.begin() as connection:
        await connection.run_sync(tables.metadata.create_all)
        await connection.exec_driver_sql("CREATE SCHEMA broker_keys")
        for table in (tables.data_keys, tables.tombstones):
            await connection.exec_driver_sql(f"ALTER TABLE {table.name} SET SCHEMA broker_keys")

    assert await details(postgres_store_url) == await details(postgres_url)


async def details(url: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    rows = [
        *await connection.fetch("SELECT indexdef FROM pg_indexes WHERE schemaname IN ('public', 'broker_keys')"),
        *await connection.fetch(
            "SELECT table_name, column_name, data_type, collation_name, is_nullable, is_identity, column_default"
            " FROM information_schema.columns WHERE table_schema IN ('public', 'broker_keys')"
        ),
        *await connection.fetch(
            "SELECT relname, array_to_string(reloptions, ',') FROM pg_class"
            " WHERE relnamespace::regnamespace::text IN ('public', 'broker_keys')"
        ),
        *await connection.fetch(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE connamespace::regnamespace::text IN ('public', 'broker_keys')"
        ),
    ]
    await connection.close()
    return sorted(tuple(map(str, row)) for row in rows if "alembic_version" not in str(row))


@pytest.mark.parametrize(
    ("table", "noun"),
    [
        (tables.users, User),
        (tables.identities, Identity),
        (tables.data_keys, WrappedKey),
        (tables.connections, UserConnection),
        (tables.sessions, Session),
        (tables.applications, Application),
        (tables.grants, Grant),
        (tables.consents, Consent),
        (tables.client_orgs, ClientOrg),
        (tables.authorizations, Authorization),
        (tables.pending_revocations, PendingRevocation),
        (tables.signing_keys, SigningKey),
        (tables.ledger, AuditEvent),
    ],
    ids=lambda value: getattr(value, "__name__", getattr(value, "name", None)),
)
def test_a_tables_columns_are_its_nouns_fields(table: Table, noun: type) -> None:
    """In the same order; a field that is added to a noun is missed here."""
    columns = [column.name for column in table.columns if column.autoincrement is not True]

    assert columns == [field.name for field in fields(noun)]


# ── what is kept


async def test_nothing_readable_about_a_person_is_in_a_dump(sqlite_store_url: str, tmp_path: Path) -> None:
    """Names and addresses of people are nowhere, since no Change can carry them in the clear."""
    async with SqlStore(sqlite_store_url) as store:
        await store.write(*w.invited())
        await store.write(*w.first_sign_in())
    dump = b"".join(file.read_bytes() for file in files_in(tmp_path))

    assert b"usr_ada" in dump
    assert b"ada@acme.example" not in dump
