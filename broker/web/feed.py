"""Owns the live feed of revocations in one process: one reader of the database, and a bounded queue for each follower.

Refuses to ask the database while nobody follows, and to wait for a follower who does not keep up.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

import structlog

from broker.domain.errors import BrokerError, Fault
from broker.domain.revocation import Notice
from broker.flows.found import Told
from broker.flows.ports import Clock
from broker.flows.revocations.catch_up import CaughtUp, catch_up
from broker.flows.store import Store
from broker.web.events import revoked
from broker.web.measure import Measures

EVERY = 0.2
"""Seconds between two looks at the database."""
FOLLOWERS = 1000
"""At one process. Each is a connection; more services than that need more processes."""
QUEUE = 5000
"""Notices that wait for one follower. All followers share their texts."""
_PAGE = 1000
_SILENT_FOR = 10.0
"""Seconds without the database, after which followers are sent away, perhaps to a process that has it."""

_log = structlog.get_logger("broker")


class End(StrEnum):
    """Why a stream ended."""

    EXPIRED = "expired"
    REVOKED = "revoked"
    GONE = "gone"
    SLOW = "slow"
    STORAGE = "storage"
    SHUTDOWN = "shutdown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A notice as followers are told it. `resume`: the cursor by which somebody who has this goes on."""

    cursor: int
    resume: int
    notice: Notice
    text: bytes


class Follow:
    """What one follower is still to be told: `begins` first, and then, as it comes, what `take` hands out."""

    def __init__(self) -> None:
        self.begins = CaughtUp(cursor=0, whole=True, told=())
        self.ended: End | None = None
        self._waiting: deque[Line] = deque()
        self._heard: set[int] = set()
        self._woken = asyncio.Event()
        self._over = asyncio.Event()

    def begin(self, caught_up: CaughtUp, after: int) -> None:
        """Know what was read for this follower alone; all that the reader had told by the cursor `after` is in it."""
        self.begins = caught_up
        self._heard = {one.cursor for one in caught_up.told if one.cursor > after}

    def put(self, line: Line) -> None:
        """One more. Who has too many waiting is cut off, and comes back with the last cursor that they have read."""
        if len(self._waiting) >= QUEUE:
            self._waiting.clear()
            self.end(End.SLOW)
        elif self.ended is None:
            self._waiting.append(line)
            self._woken.set()

    def end(self, why: End) -> None:
        """Nothing more comes."""
        if self.ended is None:
            self.ended = why
        self._over.set()
        self._woken.set()

    async def wait(self, seconds: float) -> None:
        """Until there is something to take, it has ended, or the time is over."""
        if self.ended is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._woken.wait()

    async def until_ended(self) -> None:
        """As long as there may be more to take."""
        await self._over.wait()

    def take(self) -> list[Line]:
        """All that waits and that this follower has not heard of."""
        waiting, self._waiting = self._waiting, deque()
        self._woken.clear()
        fresh = [one for one in waiting if one.cursor > self.begins.cursor and one.cursor not in self._heard]
        self._heard.difference_update(one.cursor for one in waiting)
        return fresh


class Feed:
    """Reads for everybody who follows at this process."""

    def __init__(self, store: Store, clock: Clock, measures: Measures) -> None:
        self._store = store
        self._clock = clock
        self._measures = measures
        self._follows: set[Follow] = set()
        self._places = 0
        self._reader: asyncio.Task[None] | None = None
        self._settled = 0
        self._early: set[int] = set()
        self._ending = False
        self._heard_at = 0
        self._heard = 0.0

    @asynccontextmanager
    async def follow(self, cursor: int | None) -> AsyncIterator[Follow]:
        """Follow from `cursor` on, None from nothing. Raises `Fault`."""
        if self._places >= FOLLOWERS:
            raise Fault("feed_full", "Too many services follow at the moment.", detail=f"{FOLLOWERS} followers")
        self._count(1)
        follow = Follow()
        try:
            if not self._ending:
                await self._begin_to_read()
                self._follows.add(follow)  # from here on everything is put; what is read now overlaps, and has no gap
            after = self._settled
            follow.begin(await catch_up(cursor, self._store, self._clock), after)
            if self._ending:
                follow.end(End.SHUTDOWN)
            yield follow
        finally:
            self._follows.discard(follow)
            self._count(-1)
            if self._places == 0 and self._reader is not None:
                self._reader.cancel()
                self._reader = None

    def end(self) -> None:
        """End every stream at once, and each that begins from now on as soon as it has caught up."""
        self._ending = True
        self._end_all(End.SHUTDOWN)

    @property
    def complete_until(self) -> int | None:
        """The second up to which everything that was committed is told; None while the database does not answer."""
        fresh = asyncio.get_running_loop().time() - self._heard < 10 * EVERY
        return self._heard_at if fresh else None

    def _count(self, more: int) -> None:
        self._places += more
        self._measures.followers(self._places)

    def _end_all(self, why: End) -> None:
        for follow in self._follows:
            follow.end(why)

    async def _begin_to_read(self) -> None:
        if self._reader is None:
            now, settled = self._clock.now(), await self._store.last_revocation()
            if self._reader is None:  # nobody else was quicker
                self._settled, self._early = settled, set()
                self._hear(now)
                self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        time = asyncio.get_running_loop().time
        while True:
            began, now = time(), self._clock.now()
            try:
                await self._read_once()
                self._hear(now)
            except Exception as error:  # noqa: BLE001 - whatever it is, followers must not take silence for good news
                code, detail = (error.code, error.detail) if isinstance(error, BrokerError) else ("internal", "")
                _log.warning("job failed", name="feed", reason=code, detail=detail or type(error).__name__)
                if time() - self._heard > _SILENT_FOR:
                    self._end_all(End.STORAGE)
            # After a transaction that stays open, all that came since is read each time: then it is read more rarely.
            await asyncio.sleep(max(EVERY, 4 * (time() - began)))

    def _hear(self, at: int) -> None:
        self._heard_at, self._heard = at, asyncio.get_running_loop().time()

    async def _read_once(self) -> None:
        """Tell everything that is there and was not told.

        What a transaction writes can be read as soon as it is committed, though one that began before it may still be
        open and bring smaller cursors. So it is told at once, but under the cursor up to which nothing is missing: who
        comes back with that one may hear something twice, and misses nothing.
        """
        first, settled, in_order = self._settled + 1, self._settled, True
        while True:
            page = await self._store.revocations(first, _PAGE)
            for told in page:
                in_order = in_order and told.settled
                settled = told.cursor if in_order else settled
                if told.cursor not in self._early:
                    self._tell(told, settled)
                    self._early.add(told.cursor)
            if len(page) < _PAGE:
                break
            first = page[-1].cursor + 1
        self._settled = settled
        self._early = {cursor for cursor in self._early if cursor > settled}

    def _tell(self, told: Told, resume: int) -> None:
        line = Line(cursor=told.cursor, resume=resume, notice=told.notice, text=revoked(told.notice))
        for follow in self._follows:
            follow.put(line)
