"""Owns telling one who waits for an answer what came of it, unless they have gone away meanwhile."""

from __future__ import annotations

import asyncio
from typing import TypeVar

Answer = TypeVar("Answer")


def tell(waiting: asyncio.Future[Answer], answer: Answer) -> None:
    """Here it is."""
    if not waiting.done():
        waiting.set_result(answer)


def fail(waiting: asyncio.Future[Answer], error: BaseException) -> None:
    """It is not to be had."""
    if not waiting.done():
        waiting.set_exception(error)
