"""Owns making one question out of those that come at once: they travel together, and so does their commit.

Refuses to keep anybody waiting for company: a question leaves at once, unless enough are under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from broker.storage.waiting import fail, tell

UNDER_WAY = 2
"""So many at a time: while the database is at work on one, the answers to the other are used."""
MOST = 64
"""Questions in one."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """`about`: of two about the same, the second one waits for the next. `shared`: what all in one have in common."""

    about: Hashable
    own: tuple[Any, ...] = field(repr=False)
    shared: tuple[Any, ...] = field(repr=False)


class Gathered(Generic[Answer]):
    """`ask` takes questions which share what they share, and gives as many answers, or fails for all of them."""

    def __init__(self, ask: Callable[[Sequence[Question]], Awaitable[Sequence[Answer]]]) -> None:
        self._ask = ask
        self._waiting: list[tuple[Question, asyncio.Future[Answer]]] = []
        self._under_way: set[asyncio.Task[None]] = set()

    async def __call__(self, question: Question, *, within: float) -> Answer:
        """The answer, or what `ask` raises. `within` in seconds, the waiting included: then `TimeoutError`."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((question, answer))
        self._set_out()
        over = loop.call_later(within, _give_up, answer)
        try:
            return await answer
        finally:
            over.cancel()

    def _set_out(self) -> None:
        if self._waiting and len(self._under_way) < UNDER_WAY:
            task = asyncio.create_task(self._travel())
            self._under_way.add(task)
            task.add_done_callback(self._come_back)

    def _come_back(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._set_out()

    async def _travel(self) -> None:
        together = self._chosen()
        if not together:
            return
        try:
            answers = await self._ask([question for question, _ in together])
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to those who wait
            for _, answer in together:
                fail(answer, error)
        else:
            for (_, answer), told in zip(together, answers, strict=True):
                tell(answer, told)

    def _chosen(self) -> list[tuple[Question, asyncio.Future[Answer]]]:
        """Whoever can go with the first of them; whoever has gone away meanwhile does not."""
        chosen: dict[Hashable, tuple[Question, asyncio.Future[Answer]]] = {}
        left: list[tuple[Question, asyncio.Future[Answer]]] = []
        shared: tuple[Any, ...] | None = None
        for question, answer in self._waiting:
            if answer.done():
                continue
            shared = question.shared if shared is None else shared
            if question.shared == shared and question.about not in chosen and len(chosen) < MOST:
                chosen[question.about] = (question, answer)
            else:
                left.append((question, answer))
        self._waiting = left
        return list(chosen.values())


def _give_up(answer: asyncio.Future[Answer]) -> None:
    fail(answer, TimeoutError())
