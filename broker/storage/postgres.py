"""Owns the way to PostgreSQL: compiled statements over asyncpg, each read and nearly each write in one round trip.

Refuses to try a write again unless the server says that nothing of it was done.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import asyncpg
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement

from broker.domain.changes import Change
from broker.domain.errors import Conflict
from broker.storage.at_once import AtOnce
from broker.storage.batches import LOST_RACE, Step, alike, alone, one_statement, steps_for
from broker.storage.driver_sql import driver_sql
from broker.storage.engine import ANSWER_WITHIN, MAX_RETRIES, unavailable
from broker.storage.gathered import Gathered, Question
from broker.storage.pool import Connection, Pool
from broker.storage.rows import Row

_DIALECT: Dialect = dialect()  # type: ignore[no-untyped-call]
_NOTHING_DONE = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
_CONFLICTS = (asyncpg.UniqueViolationError, asyncpg.ForeignKeyViolationError, asyncpg.CheckViolationError)
_GONE = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server's last word arrived, and was not read before the next question
    ConnectionError,
)

Answer = TypeVar("Answer")
Work = Callable[[Connection], Awaitable[Answer]]


class Postgres:
    """The `Engine` on PostgreSQL."""

    def __init__(self, url: str, *, connections: int) -> None:
        self._pool = Pool(url, size=connections)
        self._steps = steps_for(_DIALECT)
        self._gathered: dict[AtOnce, Gathered[tuple[Sequence[Row], bool]]] = {}

    async def rows(self, query: ClauseElement, **parameters: Any) -> Sequence[Row]:
        """See `Engine`. Asked a second time when the connection turns out to be dead."""
        sql = driver_sql(query, _DIALECT)
        arguments = sql.arguments(parameters)
        found: list[Any] = await self._answer(lambda connection: connection.fetch(sql.text, *arguments), tries=2)
        return found

    async def change(self, statement: ClauseElement, *, note: ClauseElement | None = None, **parameters: Any) -> int:
        """See `Engine`."""
        sql = driver_sql(statement, _DIALECT)
        arguments = sql.arguments(parameters)
        if note is not None:
            noted = driver_sql(note, _DIALECT)

            async def both(connection: Connection) -> int:
                async with connection.transaction():
                    touched = _rows_touched(await connection.execute(sql.text, *arguments))
                    if touched:
                        more = noted.arguments({**parameters, "touched": str(touched)})
                        await connection.execute(noted.text, *more)
                    return touched

            return await self._answer(both)
        status = await self._answer(lambda connection: connection.execute(sql.text, *arguments))
        return _rows_touched(status)

    async def at_once(self, statement: AtOnce, **parameters: Any) -> tuple[Sequence[Row], bool]:
        """See `Engine`. With others that come at this moment, in one statement.

        Asked twice like a read: a change that was made by the first question is not made again.
        """
        gathered = self._gathered.get(statement)
        if gathered is None:
            gathered = self._gathered[statement] = Gathered(partial(self._together, statement))
        own = tuple([parameters.pop(name) for name in statement.own])
        try:
            return await gathered(
                Question(about=own[0], own=own, shared=tuple(parameters.items())), within=ANSWER_WITHIN
            )
        except TimeoutError as error:
            raise unavailable(error) from None

    async def _together(self, statement: AtOnce, asked: Sequence[Question]) -> list[tuple[Sequence[Row], bool]]:
        sql = driver_sql(statement.together, _DIALECT)
        own = zip(statement.own, zip(*(one.own for one in asked), strict=True), strict=True)
        arguments = sql.arguments({**dict(asked[0].shared), **dict(own)})
        work = _retried(lambda connection: connection.fetch(sql.text, *arguments))
        found: dict[Any, Any] = {row[0]: row for row in await self._answer(work, tries=2)}
        return [
            ((found[one.about],), bool(found[one.about][-1])) if one.about in found else ((), False) for one in asked
        ]

    async def write(self, changes: Sequence[Change]) -> None:
        """See `Engine`. One round trip, without a transaction around it, wherever one statement can say it all."""
        steps = tuple([self._steps[type(change)] for change in changes])
        whole = one_statement(steps)
        if whole is None:
            seconds = ANSWER_WITHIN * (1 + len(steps) / 100)
            await self._answer(_retried(lambda connection: _one_by_one(connection, steps, changes)), within=seconds)
            return
        arguments = [value for step, change in zip(steps, changes, strict=True) for value in step.values(change)]
        await self._answer(_retried(lambda connection: _at_once(connection, whole, arguments, steps)))

    async def close(self) -> None:
        """See `Engine`."""
        await self._pool.close()

    async def _answer(self, work: Work[Answer], *, tries: int = 1, within: float = ANSWER_WITHIN) -> Answer:
        try:
            async with asyncio.timeout(within):
                while True:
                    try:
                        return await self._pool.run(work)
                    except _GONE:
                        self._pool.cut_idle()
                        tries -= 1
                        if tries == 0:
                            raise
        except TimeoutError as error:
            self._pool.cut_idle()
            raise unavailable(error) from None
        except (asyncpg.PostgresError, *_GONE, OSError) as error:
            raise unavailable(error) from None


async def _at_once(connection: Connection, whole: str, arguments: Sequence[Any], steps: Sequence[Step]) -> None:
    try:
        await connection.fetch(whole, *arguments)
    except _CONFLICTS as error:
        raise Conflict(next((step.name for step in steps if step.table == error.table_name), "")) from None
    except asyncpg.PostgresError as error:
        if error.sqlstate == LOST_RACE:
            raise Conflict(error.message) from None
        raise


async def _one_by_one(connection: Connection, steps: Sequence[Step], changes: Sequence[Change]) -> None:
    async with connection.transaction():
        for step, arguments in alike(steps, changes):
            try:
                if len(arguments) > 1:
                    await connection.executemany(alone(step), arguments)  # as one round trip
                    continue
                status = await connection.execute(alone(step), *arguments[0])
            except _CONFLICTS:
                raise Conflict(step.name) from None
            except asyncpg.PostgresError as error:
                if error.sqlstate == LOST_RACE:
                    raise Conflict(error.message) from None
                raise
            if step.touches_one_row and _rows_touched(status) != 1:
                raise Conflict(step.name)


def _retried(unit: Work[Answer]) -> Work[Answer]:
    async def work(connection: Connection) -> Answer:
        for retry in range(MAX_RETRIES):
            try:
                return await unit(connection)
            except _NOTHING_DONE:
                await asyncio.sleep(random.uniform(0.0, 0.02 * 2**retry))  # noqa: S311 - only to keep rivals apart
        return await unit(connection)

    return work


def _rows_touched(status: str) -> int:
    """From what PostgreSQL says when a statement is done, such as "UPDATE 1"."""
    return int(status.rpartition(" ")[2])
