"""Owns what the `Store` asks of a database, which URL means which database, and the limits both keep to.

Refuses driver names in URLs, and lets no driver's error through: those can quote the values they failed on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy.sql import ClauseElement

from broker.domain.changes import Change
from broker.domain.errors import Fault
from broker.storage.at_once import AtOnce
from broker.storage.rows import Row

ANSWER_WITHIN = 2.0
"""Seconds that a call may take in all. Whoever waits for the broker is told before they give up."""
MAX_RETRIES = 3
"""Of a whole unit, after a deadlock: PostgreSQL ended it, and nothing of it was done."""
NOT_MIGRATED = "storage_not_migrated"
"""Code of the `Fault` when a table or column is missing: `broker migrate` has not been run."""
_UNKNOWN_NAMES = ("42P01", "42703")  # PostgreSQL's undefined_table, undefined_column


class Engine(Protocol):
    """One database. Every method may raise `Fault`."""

    async def rows(self, query: ClauseElement, **parameters: Any) -> Sequence[Row]:
        """Read, in one statement and one round trip."""

    async def change(self, statement: ClauseElement, *, note: ClauseElement | None = None, **parameters: Any) -> int:
        """Run one statement that writes; how many rows it touched.

        If it touched any, `note` goes with it in one transaction, and may ask for the parameter `touched`.
        """

    async def at_once(self, statement: AtOnce, **parameters: Any) -> tuple[Sequence[Row], bool]:
        """Read, and make the change that goes with it, in one round trip; whether it touched a row."""

    async def write(self, changes: Sequence[Change]) -> None:
        """Make all changes durably, or none. Raises `Conflict`, which names the Change that lost."""

    async def close(self) -> None:
        """Let go of every connection."""


def unavailable(error: BaseException) -> Fault:
    """What a database's failure is called further in. Only the kind of `error` is kept."""
    state = getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", None) or ""
    detail = f"{type(error).__name__} {state}".rstrip()
    if state in _UNKNOWN_NAMES or str(error).startswith(("no such table", "no such column")):
        return Fault(NOT_MIGRATED, "The service is being set up.", detail=detail)
    return Fault("storage_unavailable", "The service cannot reach its storage at the moment.", detail=detail)
