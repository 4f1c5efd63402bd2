"""Owns what a database URL may say: `postgresql://…` or `sqlite:///path`.

Refuses driver names and every other database.
"""

from __future__ import annotations

from pathlib import Path

_SQLITE = "sqlite:///"
_POSTGRESQL = "postgresql://"


def sqlite_path(url: str) -> Path | None:
    """Where the SQLite file is, or None for PostgreSQL.

    Raises `ValueError`, which does not quote the URL: it can hold a password.
    """
    if url.startswith(_SQLITE) and len(url) > len(_SQLITE):
        return Path(url.removeprefix(_SQLITE))
    if url.startswith(_POSTGRESQL):
        return None
    raise ValueError(f"a database URL begins with {_POSTGRESQL} or {_SQLITE} and has no driver name")
