"""What every journey needs: a world of its own, and a person in it with a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

from tests.journeys.person import Person
from tests.world.world import World, open_world

NewPerson = Callable[..., Any]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A world on embedded defaults: SQLite, no Redis."""
    async with open_world(tmp_path) as world:
        yield world


@pytest.fixture
async def somebody(world: World, chromium: Browser) -> AsyncIterator[Callable[..., Any]]:
    """Makes people, each with a browser of their own; `somebody(**options)` takes what `new_context` takes."""
    async with AsyncExitStack() as browsers:

        async def arrive(**options: Any) -> Person:
            context = await chromium.new_context(**options)
            browsers.push_async_callback(context.close)
            return Person(await context.new_page(), world)

        yield arrive


@pytest.fixture
async def person(somebody: Callable[..., Any]) -> Person:
    """One person, whom no server has met."""
    arrived: Person = await somebody()
    return arrived
