"""Everything that a database, its files or a Redis hold, to look through: every table, every column, every key.

Reads past the broker, with the drivers alone.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import asyncpg
import redis

from broker.storage.database_url import sqlite_path
from broker.storage.pool import SEARCH_PATH

Rows = list[dict[str, Any]]


async def rows_of(database_url: str, query: str) -> Rows:
    """The answer to a query which both databases understand."""
    path = sqlite_path(database_url)
    if path is None:
        connection = await asyncpg.connect(database_url, server_settings={"search_path": SEARCH_PATH})
        try:
            return [dict(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()
    database = sqlite3.connect(path)
    try:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(query)]
    finally:
        database.close()


async def tables_of(database_url: str) -> dict[str, Rows]:
    """Every row of every table, by the table's name."""
    names = _SQLITE_TABLES if sqlite_path(database_url) is not None else _POSTGRESQL_TABLES
    tables = [row["name"] for row in await rows_of(database_url, names)]
    return {table: await rows_of(database_url, f'SELECT * FROM "{table}"') for table in tables}


def files_of(database_url: str) -> dict[str, bytes]:
    """SQLite's files as they lie on the disk, the write-ahead log among them; none of PostgreSQL's."""
    path = sqlite_path(database_url)
    if path is None:
        return {}
    return {found.name: found.read_bytes() for found in Path(path).parent.glob(f"{path.name}*")}


def keys_of(redis_url: str) -> dict[str, list[bytes]]:
    """Every key of a Redis, with its value in pieces."""
    with redis.Redis.from_url(redis_url) as connection:
        return {key.decode(errors="replace"): [key, *_pieces(connection, key)] for key in connection.scan_iter()}


def _pieces(connection: Any, key: bytes) -> list[bytes]:
    match connection.type(key):
        case b"string":
            return [connection.get(key)]
        case b"hash":
            return [piece for pair in connection.hgetall(key).items() for piece in pair]
        case b"list":
            return list(connection.lrange(key, 0, -1))
        case b"set":
            return list(connection.smembers(key))
        case b"zset":
            return list(connection.zrange(key, 0, -1))
        case b"stream":
            return [piece for _, fields in connection.xrange(key) for pair in fields.items() for piece in pair]
        case other:
            raise ValueError(f"cannot look into a Redis {other!r}")


_SQLITE_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
_POSTGRESQL_TABLES = (
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema IN ('public', 'broker_keys')"
)
