"""A thread with a queue: in order, one at a time, nothing begun that nobody waits for."""

from __future__ import annotations

import asyncio
import threading
import time
from functools import partial

import pytest

from broker.storage.line import Line

pytestmark = pytest.mark.anyio


async def test_work_is_done_in_its_order_in_one_other_thread() -> None:
    """However many ask at once."""
    line, done = Line("test"), list[int]()

    def note(number: int) -> int:
        done.append(number)
        return threading.get_ident()

    threads = await asyncio.gather(*(line.run(partial(note, number)) for number in range(50)))
    await line.end()

    assert done == list(range(50))
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()


async def test_what_work_raises_is_raised() -> None:
    """And the line goes on."""
    line = Line("test")
    with pytest.raises(ZeroDivisionError):
        await line.run(lambda: 1 // 0)

    assert await line.run(lambda: "next") == "next"
    await line.end()


async def test_work_that_nobody_waits_for_is_not_begun() -> None:
    """What has begun is finished."""
    line, done = Line("test"), list[str]()
    has_begun, may_end = threading.Event(), threading.Event()

    def slowly() -> None:
        has_begun.set()
        may_end.wait()
        done.append("begun")

    begun = asyncio.create_task(line.run(slowly))
    waiting = asyncio.create_task(line.run(partial(done.append, "waiting")))
    await asyncio.to_thread(has_begun.wait)
    begun.cancel()
    waiting.cancel()
    await asyncio.wait([begun, waiting])
    may_end.set()
    await line.end()

    assert done == ["begun"]


async def test_an_ended_line_refuses_work() -> None:
    """Rather than let anybody wait for ever."""
    line = Line("test")
    await line.end()
    with pytest.raises(ConnectionError):
        await line.run(lambda: None)


def test_a_loop_that_is_closed_does_not_stop_the_line() -> None:
    """The next loop can use it."""
    line = Line("test")

    async def leave_at_once() -> None:
        task = asyncio.ensure_future(line.run(lambda: time.sleep(0.05)))
        await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(leave_at_once())

    async def ask() -> str:
        answer = await line.run(lambda: "answer")
        await line.end()
        return answer

    assert asyncio.run(ask()) == "answer"
