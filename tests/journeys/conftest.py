"""What every journey needs: a world of its own, and a person in it with a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest
from playwright.async_api import Browser

from tests.journeys.person import Person
from tests.world.world import World, open_world

Somebody = Callable[..., Awaitable[Person]]
PATIENCE = 10_000  # milliseconds; nothing on a page takes as many hundred


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A world on embedded defaults: SQLite, no Redis."""
    async with open_world(tmp_path) as world:
        yield world


@pytest.fixture
async def somebody(world: World, chromium: Browser) -> AsyncIterator[Somebody]:
    """Makes people, each with a browser of their own; `somebody(**options)` takes what `new_context` takes."""
    async with AsyncExitStack() as browsers:

        async def arrive(**options: Any) -> Person:
            context = await chromium.new_context(**options)
            context.set_default_timeout(PATIENCE)
            browsers.push_async_callback(context.close)
            return Person(await context.new_page(), world)

        yield arrive


@pytest.fixture
async def person(somebody: Somebody) -> Person:
    """One person, whom no server has met."""
    return await somebody()


async def eventually(happened: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait for what the broker does by its own clock, every two seconds; fails when it does not come."""
    with anyio.fail_after(PATIENCE / 1000):
        while not await _settled(happened()):
            await anyio.sleep(0.05)


async def _settled(answer: bool | Awaitable[bool]) -> bool:
    return answer if isinstance(answer, bool) else await answer
