"""Owns the connections to PostgreSQL: the one used last is used next, so that as few as needed stay warm.

Refuses to hand on a connection whose last answer is not known to have been read: such a one is cut.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

import asyncpg

from broker.domain.errors import Conflict

CONNECT_WITHIN = 2.0
"""Seconds."""
WAIT_FOR_A_TURN = 1.0
"""Seconds that a caller waits while every connection is busy."""
_SETTINGS = {
    "application_name": "partner-ops-broker",
    "statement_timeout": "1900",  # milliseconds: the server gives up, and says so, just before we do
    "idle_in_transaction_session_timeout": "5000",
    "plan_cache_mode": "force_generic_plan",  # all look-ups are by key: planned once is planned well
    "jit": "off",
}

_SERVER_ENDS_IT = (asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError)

Answer = TypeVar("Answer")
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class Pool:
    """At most `size` connections to the database at `url`, opened when first needed."""

    def __init__(self, url: str, *, size: int) -> None:
        self._url = url
        self._idle: list[Connection] = []
        self._turns = asyncio.Semaphore(size)
        self._closed = False

    async def run(self, work: Callable[[Connection], Awaitable[Answer]]) -> Answer:
        """Lend a connection to `work`. Raises what `work` raises, `TimeoutError`, `OSError` or asyncpg's errors."""
        if self._turns.locked():
            async with asyncio.timeout(WAIT_FOR_A_TURN):
                await self._turns.acquire()
        else:
            await self._turns.acquire()
        try:
            connection = self._warm() or await self._connect()
            try:
                answer = await work(connection)
            except _SERVER_ENDS_IT:
                connection.terminate()
                raise
            except (asyncpg.PostgresError, Conflict):  # the server has answered, and waits for the next question
                self._take_back(connection)
                raise
            except BaseException:
                connection.terminate()
                raise
            self._take_back(connection)
            return answer
        finally:
            self._turns.release()

    def cut_idle(self) -> None:
        """After one connection was found dead the others are likely to be: let each next caller open a new one."""
        while self._idle:
            self._idle.pop().terminate()

    async def close(self) -> None:
        """Close those that are idle now, and the others as they come back."""
        self._closed = True
        while self._idle:
            await self._idle.pop().close(timeout=CONNECT_WITHIN)

    def _warm(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None

    async def _connect(self) -> Connection:
        return await asyncpg.connect(
            self._url,
            timeout=CONNECT_WITHIN,
            server_settings=_SETTINGS,
            max_cached_statement_lifetime=0,  # for ever
            max_cacheable_statement_size=0,  # of any length
        )

    def _take_back(self, connection: Connection) -> None:
        if self._closed or connection.is_in_transaction():
            connection.terminate()
        else:
            self._idle.append(connection)
