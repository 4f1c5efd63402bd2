"""Owns bringing a database's schema up to date, in one transaction.

Refuses to let two processes migrate at once, and to wait long for tables that are in use.
"""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from broker.storage.database_url import sqlite_path
from broker.storage.engine import unavailable
from broker.storage.pool import CONNECT_WITHIN
from broker.storage.schema import MIGRATIONS, after, pending

__all__ = ["migrate", "pending"]

WAIT_FOR_ANOTHER = 60.0
"""Seconds that one process waits while another migrates the same database."""
_LOCK = 0x7061_7274_6E65_726F  # a number that no other software at the same PostgreSQL is likely to lock


async def migrate(url: str) -> tuple[str, ...]:
    """Apply what is pending; the revisions applied, the oldest first. Raises `Fault`, and then nothing was changed."""
    path = sqlite_path(url)
    try:
        return await (_migrate_postgres(url) if path is None else asyncio.to_thread(_migrate_sqlite, path))
    except DBAPIError as error:
        raise unavailable(error.orig or error) from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, sqlite3.Error) as error:
        raise unavailable(error) from error


async def _migrate_postgres(url: str) -> tuple[str, ...]:
    # The driver reads the URL here as it does when serving; SQLAlchemy would read its options differently.
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: asyncpg.connect(url, timeout=CONNECT_WITHIN),
        poolclass=NullPool,
    )
    async with engine.begin() as connection:
        await connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{WAIT_FOR_ANOTHER:.0f}s'")
        await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        # Whoever waits for a table's lock makes everybody else wait behind it: rather fail, and be run again.
        await connection.exec_driver_sql("SET LOCAL lock_timeout = '2s'")
        applied = await connection.run_sync(_upgrade)
        await connection.run_sync(_begin_era)
        return applied


def _migrate_sqlite(path: Path) -> tuple[str, ...]:
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(path, timeout=WAIT_FOR_ANOTHER, isolation_level=None),
        poolclass=NullPool,
    )
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        applied = _upgrade(connection)
        connection.commit()
    return applied


def _begin_era(connection: Connection) -> None:
    """Have new events of the ledger come after those that are there, also when a dump was restored into a cluster which
    has counted fewer transactions: the ids are made of their numbers."""
    behind = connection.exec_driver_sql(_BEHIND).scalar_one()
    if behind > 0:
        connection.exec_driver_sql(_ANOTHER_ERA.format(int(behind)))


_BEHIND = """
SELECT CASE WHEN last >= now THEN last - now + 1 + ledger_era() ELSE 0 END
FROM (SELECT pg_current_xact_id()::text::bigint + ledger_era() AS now,
    (SELECT max(id) FROM (SELECT max(id) AS id FROM ledger UNION ALL SELECT max(event_id) FROM ledger_links) AS of_all)
    >> 20 AS last
) AS ids
"""
_ANOTHER_ERA = "CREATE OR REPLACE FUNCTION ledger_era() RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT {}::bigint'"


def _upgrade(connection: Connection) -> tuple[str, ...]:
    """Apply what is pending in the transaction that `connection` is in, which holds the lock."""
    applied = after(MigrationContext.configure(connection).get_current_revision())
    if applied:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, applied[-1])
    return applied
