"""Owns the connections to PostgreSQL: the one used last is used next, so that as few as needed stay warm.

Refuses to hand on a connection whose last answer is not known to have been read: such a one is cut.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeAlias, TypeVar

import asyncpg

from broker.domain.errors import Conflict

CONNECT_WITHIN = 2.0
"""Seconds."""
WAIT_FOR_A_TURN = 1.0
"""Seconds that a caller waits while every connection is busy."""
KEY_SCHEMA = "broker_keys"
"""Where PostgreSQL has the keys of what is sealed, and the tombstones: apart, so that they are backed up apart."""
SEARCH_PATH = f'"$user", public, {KEY_SCHEMA}'
_SETTINGS = {
    "application_name": "partner-ops-broker",
    "search_path": SEARCH_PATH,
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
        self._unfinished: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def run(self, work: Callable[[Connection], Awaitable[Answer]]) -> Answer:
        """Lend a connection to `work`. Raises what `work` raises, asyncpg's errors, `OSError` or `TimeoutError`."""
        if self._closed:
            raise ConnectionError("closed")
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
                self._later(_leave(connection))
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
            self._later(_leave(self._idle.pop()))
        while self._unfinished:
            await asyncio.wait(self._unfinished)

    def _warm(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None

    async def _connect(self) -> Connection:
        """A new connection. A caller who goes away meanwhile leaves it to the next."""
        connecting = self._later(_connected(self._url))
        try:
            return await asyncio.shield(connecting)
        except asyncio.CancelledError:
            connecting.add_done_callback(self._keep)
            raise

    def _keep(self, connecting: asyncio.Task[Connection]) -> None:
        if not connecting.cancelled() and connecting.exception() is None:
            self._take_back(connecting.result())

    def _take_back(self, connection: Connection) -> None:
        if self._closed or connection.is_in_transaction():
            self._later(_leave(connection))
        else:
            self._idle.append(connection)

    def _later(self, work: Coroutine[Any, Any, Answer]) -> asyncio.Task[Answer]:
        task = asyncio.create_task(work)
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)
        return task


async def _connected(url: str) -> Connection:
    return await asyncpg.connect(
        url,
        timeout=CONNECT_WITHIN,
        server_settings=_SETTINGS,
        max_cached_statement_lifetime=0,  # for ever
        max_cacheable_statement_size=0,  # of any length
    )


async def _leave(connection: Connection) -> None:
    """Take leave of the server, which may first have to be told that an answer is not wanted any more."""
    with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        await connection.close(timeout=CONNECT_WITHIN)
