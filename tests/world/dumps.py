"""What operators carry away of the stores: a dump, the write-ahead log, a snapshot of Redis, each as bytes.

PostgreSQL's are made by its own programs and read from its own folder: so this is for servers of the tests alone.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import asyncpg
import redis

_NOTHING_WRITTEN = re.compile(rb"\x00{64,}")


async def pg_dump(programs: Path, database_url: str) -> bytes:
    """The whole database as SQL."""
    process = await asyncio.create_subprocess_exec(
        programs / "pg_dump", "--inserts", f"--dbname={database_url}", stdout=asyncio.subprocess.PIPE
    )
    text, _ = await process.communicate()
    assert process.returncode == 0
    return text


async def wal_position(database_url: str) -> str:
    """Where the server's write-ahead log is, for `wal_since`."""
    connection = await asyncpg.connect(database_url)
    try:
        return str(await connection.fetchval("SELECT pg_current_wal_insert_lsn()::text"))
    finally:
        await connection.close()


async def wal_since(database_url: str, position: str) -> bytes:
    """What was written to it since then, by anybody."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("SELECT pg_switch_wal()")
        where = await connection.fetchval("SELECT pg_walfile_name_offset($1::text::pg_lsn)", position)
        first, offset = where
        names = [row["name"] for row in await connection.fetch("SELECT name FROM pg_ls_waldir() ORDER BY name")]
        folder = Path(await connection.fetchval("SHOW data_directory")) / "pg_wal"
    finally:
        await connection.close()
    pieces = [(folder / name).read_bytes()[offset if name == first else 0 :] for name in names if name >= first]
    return _NOTHING_WRITTEN.sub(b"\x00", b"".join(pieces))


def rdb_of(redis_url: str) -> bytes:
    """A snapshot, as Redis writes it to the disk; its own compression is off, since no other program undoes it."""
    with redis.Redis.from_url(redis_url) as connection:
        connection.config_set("rdbcompression", "no")
        connection.save()
        folder, name = (connection.config_get(setting)[setting] for setting in ("dir", "dbfilename"))
    return Path(folder, name).read_bytes()
