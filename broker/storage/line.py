"""Owns a thread that does one thing at a time, in the order asked, for a library that can only block.

Refuses to begin what nobody waits for any more; what has begun is finished, whoever goes away.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

from broker.storage.waiting import fail, tell

Answer = TypeVar("Answer")


class Line:
    """A queue with one thread at its end. The thread starts with the first piece of work."""

    def __init__(self, name: str) -> None:
        self._waiting: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._ended = False
        self._thread = Thread(target=self._serve, name=name, daemon=True)

    async def run(self, work: Callable[[], Answer]) -> Answer:
        """The answer of `work`, or what it raises. Raises `ConnectionError` once the line has ended."""
        if self._ended:
            raise ConnectionError("closed")
        if self._thread.ident is None:
            self._thread.start()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()

        def do() -> None:
            if answer.cancelled():
                return
            try:
                told = partial(tell, answer, work())
            except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to the one who waits
                told = partial(fail, answer, error)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to be told
                loop.call_soon_threadsafe(told)

        self._waiting.put(do)
        return await answer

    async def end(self) -> None:
        """Finish what is in line by now, and end the thread. A second time does nothing."""
        self._ended = True
        self._waiting.put(None)
        if self._thread.ident is not None:
            await asyncio.to_thread(self._thread.join)

    def _serve(self) -> None:
        while (do := self._waiting.get()) is not None:
            do()
