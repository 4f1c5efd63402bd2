"""What every case needs: a deployment of its own whose every answer is held against the invariants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.security.browser import Browser
from tests.security.template import HTTP, Template, Upstream, make_template, upstreams
from tests.security.world import World, open_world
from tests.servers.postgres import PostgresServer


@pytest.fixture(scope="session")
def worker_upstreams() -> Iterator[tuple[Upstream, Upstream]]:
    """This worker's Providers."""
    with upstreams() as both:
        yield both


@pytest.fixture(scope="session")
async def template(
    anyio_backend: str, tmp_path_factory: pytest.TempPathFactory, worker_upstreams: tuple[Upstream, Upstream]
) -> Template:
    """This worker's deployment, to be copied."""
    return await make_template(tmp_path_factory.mktemp("template"), *worker_upstreams)


@pytest.fixture(scope="session")
def filled_database(template: Template, worker_postgres: PostgresServer) -> Iterator[str]:
    """The name of a database like the template's, to be copied."""
    name = worker_postgres.create_database()
    with ThreadPoolExecutor(1) as thread:  # a loop may be running around this
        thread.submit(lambda: asyncio.run(template.fill(worker_postgres.url(name)))).result()
    yield name
    worker_postgres.drop_database(name)


@pytest.fixture
def filled_url(worker_postgres: PostgresServer, filled_database: str) -> Iterator[str]:
    """The URL of a copy that no other test sees."""
    name = worker_postgres.create_database(template=filled_database)
    yield worker_postgres.url(name)
    worker_postgres.drop_database(name)


@pytest.fixture
async def world(template: Template, tmp_path: Path) -> AsyncIterator[World]:
    """A broker at an https issuer, as in production."""
    async with open_world(template, tmp_path) as world:
        yield world


@pytest.fixture
async def loopback_world(template: Template, tmp_path: Path) -> AsyncIterator[World]:
    """A broker at http://localhost, as in development."""
    async with open_world(template, tmp_path, issuer=HTTP) as world:
        yield world


@pytest.fixture
async def postgres_world(template: Template, tmp_path: Path, filled_url: str) -> AsyncIterator[World]:
    """A broker on PostgreSQL."""
    async with open_world(template, tmp_path, database_url=filled_url) as world:
        yield world


@pytest.fixture
def ada(world: World) -> Browser:
    """A browser in which nobody is signed in yet; Ada sits before it."""
    return world.browser()


@pytest.fixture
def mallory(world: World) -> Browser:
    """The attacker's browser."""
    return world.browser()


@pytest.fixture(params=["sqlite", "postgresql"])
async def any_world(request: pytest.FixtureRequest, template: Template, tmp_path: Path) -> AsyncIterator[World]:
    """Races are decided by the database, so they are run on both."""
    url = request.getfixturevalue("filled_url") if request.param == "postgresql" else None
    async with open_world(template, tmp_path, database_url=url) as world:
        yield world
