"""What every journey needs: a world of its own, and people in it with their browsers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tests.journeys.person import Person, a_person
from tests.servers.asgi import serving
from tests.servers.node import PEERS, node_peer
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


@pytest.fixture(scope="session")
def corp() -> Iterator[str]:
    """The issuer of this worker's oidc-provider, which is told anew whom it knows by everybody who needs it."""
    with node_peer(PEERS / "upstream.mjs") as announced:
        yield announced["issuer"]


@pytest.fixture(scope="session")
def peer() -> Iterator[str]:
    """The URL of this worker's openid-client, which is told anew which Applications it is."""
    with node_peer(PEERS / "application.mjs") as announced:
        yield announced["url"]


@pytest.fixture(scope="module")
def own() -> Iterator[str]:
    """The URL of an Application that is no server: nothing is there but addresses for a browser to end at."""

    async def ended(_request: Request) -> Response:
        return PlainTextResponse("here")

    with serving(Starlette(routes=[Route("/{path:path}", ended)])) as url:
        yield url
