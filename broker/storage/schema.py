"""Owns which revisions of the schema there are, and which of them a database still lacks.

Refuses to change anything, and to load what changes it: this is asked at every start.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Select, column, select, table

from broker.domain.errors import Fault
from broker.storage.database_url import sqlite_path
from broker.storage.engine import NOT_MIGRATED
from broker.storage.store import SqlStore

MIGRATIONS = Path(__file__).parent / "migrations"
_CURRENT: Select[str] = select(column("version_num")).select_from(table("alembic_version"))


def revisions() -> tuple[str, ...]:
    """Every revision, the oldest first. Each is named as its file, which begins with its date."""
    return tuple(sorted(path.stem for path in (MIGRATIONS / "versions").glob("[0-9]*.py")))


def after(current: str | None) -> tuple[str, ...]:
    """The revisions to apply to a database that is at `current`.

    One we do not know is newer: every revision leaves a database which the version before it can serve.
    """
    known = revisions()
    if current is None:
        return known
    return known[known.index(current) + 1 :] if current in known else ()


async def pending(url: str) -> tuple[str, ...]:
    """The revisions that the database lacks, the oldest first. Raises `Fault` when it does not answer."""
    path = sqlite_path(url)
    if path is not None and not path.exists():
        return revisions()
    async with SqlStore(url, connections=1) as store:
        try:
            found = await store.engine.rows(_CURRENT)
        except Fault as fault:
            if fault.code == NOT_MIGRATED:
                return revisions()
            raise
    return after(found[0][0] if found else None)
