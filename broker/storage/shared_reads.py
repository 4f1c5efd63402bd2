"""Owns the reads that many make of one thing at one moment: an Application's requests, all of its row.

Refuses an answer that is older than the question: who asks while a read is under way is answered by the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from broker.storage.waiting import fail, tell

Key = TypeVar("Key")
Answer = TypeVar("Answer")


class SharedReads(Generic[Key, Answer]):
    """`read`, at most once at a time for one key: all who ask meanwhile share the read that follows, or its failure."""

    def __init__(self, read: Callable[[Key], Awaitable[Answer]]) -> None:
        self._read = read
        self._under_way: set[Key] = set()
        self._waiting: dict[Key, list[asyncio.Future[Answer]]] = {}
        self._following: set[asyncio.Task[None]] = set()

    async def __call__(self, key: Key) -> Answer:
        """The answer to a read that begins now or later, or what that raises."""
        if key not in self._under_way:
            self._under_way.add(key)
            return await self._answer(key)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(answer)
        return await answer

    async def _answer(self, key: Key) -> Answer:
        try:
            return await self._read(key)
        except Exception as error:
            for one in self._waiting.pop(key, ()):  # nobody waits for two that take their time
                fail(one, error)
            raise
        finally:
            if waiting := self._waiting.pop(key, None):
                following = asyncio.create_task(self._follow(key, waiting))
                self._following.add(following)
                following.add_done_callback(self._following.discard)
            else:
                self._under_way.discard(key)

    async def _follow(self, key: Key, waiting: Sequence[asyncio.Future[Answer]]) -> None:
        try:
            answer = await self._answer(key)
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to those who wait
            for one in waiting:
                fail(one, error)
        else:
            for one in waiting:
                tell(one, answer)
