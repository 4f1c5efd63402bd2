"""The world that journeys and security tests live in: its parts, its time, its log, and what it lets one read."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import httpx2
import pytest
import redis
import structlog

from broker.web import guard, logs
from tests.world.clock import Clock
from tests.world.contents import keys_of
from tests.world.log import captured
from tests.world.plain_browser import PlainBrowser
from tests.world.world import Part, open_world

pytestmark = pytest.mark.anyio


async def test_a_part_that_is_stopped_refuses_and_answers_again_at_the_same_address(tmp_path: Path) -> None:
    """As software meets a server that is away."""
    async with open_world(tmp_path) as world:
        addresses: dict[Part, str] = {
            "broker": f"{world.issuer}/readyz",
            "provider": world.provider.issuer,
            "application": world.application,
        }
        for part, url in addresses.items():
            world.stop(part)
            with pytest.raises(httpx2.ConnectError):
                httpx2.get(url)
            world.start(part)
            assert httpx2.get(url).status_code == 200


async def test_everybody_has_the_same_time(tmp_path: Path) -> None:
    """Broker, Provider and Application: a session JWT is issued when the world's clock says."""
    async with open_world(tmp_path, clock=Clock(1_900_000_000)) as world:
        world.provider.consent_automatically("ada")
        world.clock.advance(7)
        with PlainBrowser() as browser:
            assert "17 March 2030, 17:46:47 UTC" in browser.sign_in(world.application).text
        assert await world.rows("SELECT auth_time FROM sessions") == [{"auth_time": 1_900_000_007}]
        assert world.provider.grants[0].created_at == 1_900_000_007


async def test_what_is_declared_later_holds_while_the_broker_runs(tmp_path: Path) -> None:
    """As `broker apply` beside a running broker."""
    async with open_world(tmp_path) as world:
        before = await world.count("client_orgs")
        await world.declare('[clients.initech]\nname = "Initech"\n')
        assert await world.count("client_orgs") == before + 1


async def test_the_log_holds_what_the_broker_said_and_nothing_is_left_of_it(tmp_path: Path) -> None:
    """Requests and refusals; also after somebody has set up logging for good, as `broker serve` does."""
    logs.configure()
    guard._log.warning("from now on this logger is cached")
    before = structlog.get_config()
    async with open_world(tmp_path) as world:
        httpx2.get(f"{world.issuer}/callback/google")
        assert '"route":"callback"' in world.log.text
        assert '"reason":"invalid_state"' in world.log.text
        with captured() as inner:
            httpx2.get(f"{world.issuer}/healthz")
        assert '"route":"healthz"' in inner.text
        assert '"route":"healthz"' not in world.log.text
    assert structlog.get_config() == before
    structlog.reset_defaults()


async def test_everything_in_a_database_can_be_read(tmp_path: Path, postgres_url: str) -> None:
    """Every table with its rows, on both engines, and SQLite's files."""
    for number, url in enumerate((None, postgres_url)):
        folder = tmp_path / str(number)
        folder.mkdir()
        async with open_world(folder, database_url=url) as world:
            tables = await world.tables()
            assert {"users", "ledger", "leases", "alembic_version"} < tables.keys()
            assert [row["id"] for row in tables["applications"]] == ["demo-app"]
            assert ("broker.sqlite-wal" in world.files()) is (url is None)
            assert world.keys() == {}


def test_every_kind_of_value_in_redis_can_be_read(redis_url: str) -> None:
    """Whatever a broker may come to keep there."""
    with redis.Redis.from_url(redis_url) as connection:
        connection.set("s", "text")
        connection.hset("h", "field", "hashed")
        connection.rpush("l", "listed")
        connection.sadd("m", "member")
        connection.zadd("z", {"sorted": 1})
        connection.xadd("x", {"entry": "streamed"})

    assert keys_of(redis_url) == {
        "s": [b"s", b"text"],
        "h": [b"h", b"field", b"hashed"],
        "l": [b"l", b"listed"],
        "m": [b"m", b"member"],
        "z": [b"z", b"sorted"],
        "x": [b"x", b"entry", b"streamed"],
    }


async def test_a_world_leaves_nothing_open(tmp_path: Path) -> None:
    """When it has ended, nobody holds its database."""
    async with open_world(tmp_path) as world:
        url = world.issuer
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(url)
    database = sqlite3.connect(tmp_path / "broker.sqlite")
    database.execute("BEGIN EXCLUSIVE")
    database.close()
