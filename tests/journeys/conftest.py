"""What every journey needs: a world of its own, and people in it with their browsers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

from tests.journeys.person import Person, a_person
from tests.world.world import World, open_world

Somebody = Callable[..., Awaitable[Person]]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A world on embedded defaults: SQLite, no Redis."""
    async with open_world(tmp_path) as world:
        yield world


@pytest.fixture
async def somebody(world: World, chromium: Browser) -> AsyncIterator[Somebody]:
    """Makes people, each with a browser of their own; `await somebody(**options)` takes what `new_context` takes."""
    async with AsyncExitStack() as people:

        async def arrive(**options: Any) -> Person:
            return await people.enter_async_context(a_person(chromium, world, **options))

        yield arrive


@pytest.fixture
async def person(somebody: Somebody) -> Person:
    """One person, whom no server has met."""
    return await somebody()
