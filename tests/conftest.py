"""Fixtures that every test may ask for: real servers, a browser, a place for pictures.

Not a place for the product's own fakes (tests/fakes/) nor for what only one folder of tests needs.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from playwright.async_api import Browser, Page

from tests.conformance.plans import PLANS
from tests.servers import port
from tests.servers.chromium import chromium_browser
from tests.servers.node import MISSING, find_node, require_node
from tests.servers.postgres import PostgresServer, postgres_server
from tests.servers.redis import RedisServer, redis_server

CONTINUOUS_INTEGRATION = os.environ.get("CI") == "true"

# A machine that is busy with other tests makes an example slow, not wrong; and one commit has one result.
settings.register_profile(
    "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=CONTINUOUS_INTEGRATION
)
settings.load_profile("patient")


def pytest_report_header() -> list[str]:
    """Say loudly, before anything runs, what will be left out."""
    return [] if find_node() else [f"LEFT OUT, marked requires_node: {MISSING}"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Where tests of conformance ran, say of how many modules there are some. Of workers nobody sees the terminal."""
    ran = (report for reports in terminalreporter.stats.values() for report in reports)
    if any(str(getattr(report, "nodeid", "")).startswith("tests/conformance/") for report in ran):
        for plan in PLANS:
            terminalreporter.write_line(plan.line)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Hold the mark requires_node."""
    if item.get_closest_marker("requires_node") is not None:
        require_node(find_node(), continuous_integration=CONTINUOUS_INTEGRATION)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, in one loop a worker, so that they can share a browser."""
    return "asyncio"


@pytest.fixture(scope="session")
def worker_postgres() -> Iterator[PostgresServer]:
    """This worker's PostgreSQL, started when the first test asks for it."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def postgres_url(worker_postgres: PostgresServer) -> Iterator[str]:
    """The URL of an empty database that no other test sees."""
    name = worker_postgres.create_database()
    yield worker_postgres.url(name)
    worker_postgres.drop_database(name)


@pytest.fixture(scope="session")
def worker_redis() -> Iterator[RedisServer]:
    """This worker's Redis, started when the first test asks for it. To break one, start your own."""
    with redis_server() as server:
        yield server


@pytest.fixture
def redis_url(worker_redis: RedisServer) -> str:
    """The URL of an empty Redis that no other test speaks to meanwhile."""
    worker_redis.flush()
    return worker_redis.url


@pytest.fixture
def free_port() -> int:
    """A port that was free a moment ago; `reserve` of tests/servers/port.py is surer."""
    return port.free_port()


@pytest.fixture(scope="session")
async def chromium(anyio_backend: str) -> AsyncIterator[Browser]:
    """This worker's browser, started when the first test asks for it."""
    async with chromium_browser() as browser:
        yield browser


@pytest.fixture
async def page(chromium: Browser) -> AsyncIterator[Page]:
    """A page of a person whom no server has met. A second person is another `chromium.new_context()`."""
    context = await chromium.new_context()
    yield await context.new_page()
    await context.close()


@pytest.fixture(scope="session")
def artefacts() -> Path:
    """Where pictures and reports go for people to look at; git does not see it."""
    folder = Path(__file__).parent.parent / "artefacts"
    folder.mkdir(exist_ok=True)
    return folder
