"""Owns the way to SQLite: one connection that writes, a few that read, each with a thread of its own.

A unit runs in that thread from BEGIN to COMMIT, so nobody who goes away can leave it half done.
Refuses to begin what its caller no longer waits for.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.dialects.sqlite.pysqlite import dialect
from sqlalchemy.sql import ClauseElement

from broker.domain.changes import Change
from broker.domain.errors import Conflict
from broker.storage.at_once import AtOnce
from broker.storage.batches import Step, steps_for
from broker.storage.driver_sql import driver_sql
from broker.storage.engine import ANSWER_WITHIN, unavailable
from broker.storage.line import Line
from broker.storage.rows import Row

READERS = 2
_ALL = (
    "PRAGMA busy_timeout = 1900",  # milliseconds, for the writes of other processes
    "PRAGMA foreign_keys = ON",
)
_WRITER = (
    "PRAGMA journal_mode = WAL",  # readers and the writer do not wait for each other
    "PRAGMA synchronous = FULL",  # what was acknowledged survives a loss of power
)
_READER = ("PRAGMA query_only = ON",)
_CONFLICTS = frozenset(f"SQLITE_CONSTRAINT_{violated}" for violated in ("UNIQUE", "PRIMARYKEY", "FOREIGNKEY", "CHECK"))
_STEPS_BETWEEN_LOOKS = 100_000  # of SQLite's virtual machine: some milliseconds

_DIALECT = dialect(paramstyle="qmark")

Answer = TypeVar("Answer")
Unit = Callable[[sqlite3.Connection], Answer]
Text = tuple[str, Sequence[Any]]
"""A statement and its parameters."""


class Sqlite:
    """The `Engine` on SQLite. The file must be there: it is `migrate` that makes it."""

    def __init__(self, path: Path) -> None:
        self._writer = _Database(path, (*_ALL, *_WRITER))
        self._readers = tuple(_Database(path, (*_ALL, *_READER)) for _ in range(READERS))
        self._turn = itertools.cycle(self._readers)
        self._steps = steps_for(_DIALECT)

    async def rows(self, query: ClauseElement, **parameters: Any) -> Sequence[Row]:
        """See `Engine`."""
        sql = driver_sql(query, _DIALECT)
        arguments = sql.arguments(parameters)
        return await next(self._turn).run(lambda database: database.execute(sql.text, arguments).fetchall())

    async def change(self, statement: ClauseElement, *, note: ClauseElement | None = None, **parameters: Any) -> int:
        """See `Engine`."""
        sql, noted = driver_sql(statement, _DIALECT), None if note is None else driver_sql(note, _DIALECT)

        def change(database: sqlite3.Connection) -> int:
            with _all_or_none(database):
                touched = database.execute(sql.text, sql.arguments(parameters)).rowcount
                if touched and noted is not None:
                    database.execute(noted.text, noted.arguments({**parameters, "touched": str(touched)}))
                return touched

        return await self._writer.run(change)

    async def at_once(self, statement: AtOnce, **parameters: Any) -> tuple[Sequence[Row], bool]:
        """See `Engine`."""
        three = [driver_sql(part, _DIALECT) for part in (statement.read, statement.change, statement.note)]
        read, change, note = [(sql.text, sql.arguments(parameters)) for sql in three]
        return await self._writer.run(lambda database: _read_and_change(database, read, change, note))

    async def write(self, changes: Sequence[Change]) -> None:
        """See `Engine`."""
        steps = [self._steps[type(change)] for change in changes]
        arguments = [step.values(change) for step, change in zip(steps, changes, strict=True)]
        await self._writer.run(lambda database: _write(database, steps, arguments))

    async def close(self) -> None:
        """See `Engine`."""
        for database in (*self._readers, self._writer):
            await database.close()


class _Database:
    """One connection, opened and used in its own thread."""

    def __init__(self, path: Path, pragmas: Sequence[str]) -> None:
        self._path = path
        self._pragmas = pragmas
        self._line = Line("sqlite")
        self._opened: sqlite3.Connection | None = None
        self._deadline = 0.0

    async def run(self, unit: Unit[Answer]) -> Answer:
        """Run `unit` in the thread. Raises `Conflict` or `Fault`."""
        deadline = time.monotonic() + ANSWER_WITHIN
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                return await self._line.run(lambda: unit(self._ready(deadline)))
        except (sqlite3.Error, OSError) as error:
            raise unavailable(error) from None

    async def close(self) -> None:
        """Finish what was begun, and close. A second time does nothing."""
        with contextlib.suppress(ConnectionError):
            await self._line.run(self._close)
        await self._line.end()

    def _ready(self, deadline: float) -> sqlite3.Connection:
        self._deadline = deadline
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    def _open(self) -> sqlite3.Connection:
        # "rw" does not make a file; without an isolation level the library begins no transactions on its own.
        database = sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
        for pragma in self._pragmas:
            database.execute(pragma)
        database.set_progress_handler(lambda: time.monotonic() > self._deadline, _STEPS_BETWEEN_LOOKS)
        return database

    def _close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None


@contextlib.contextmanager
def _all_or_none(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _write(database: sqlite3.Connection, steps: Sequence[Step], arguments: Sequence[Sequence[Any]]) -> None:
    with _all_or_none(database):
        for step, values in zip(steps, arguments, strict=True):
            _take(database, step, values)


def _read_and_change(database: sqlite3.Connection, read: Text, change: Text, note: Text) -> tuple[list[Row], bool]:
    with _all_or_none(database):
        found = database.execute(*read).fetchall()
        changed = database.execute(*change).rowcount == 1
        if changed:
            database.execute(*note)
        return found, changed


def _take(database: sqlite3.Connection, step: Step, values: Sequence[Any]) -> None:
    touched, begin = 0, 0
    try:
        for _, sql in step.parts:
            end = begin + len(sql.names)
            touched, begin = database.execute(sql.text, values[begin:end]).rowcount, end
    except sqlite3.IntegrityError as error:
        if error.sqlite_errorname in _CONFLICTS:
            raise Conflict(step.name) from None
        raise
    if step.touches_one_row and touched != 1:
        raise Conflict(step.name)
