"""The Redis of the tests."""

from __future__ import annotations

import re

import pytest
import redis

from tests.servers.redis import redis_server


@pytest.mark.parametrize("turn", [1, 2])
def test_every_test_gets_an_empty_redis(redis_url: str, turn: int) -> None:
    """What one test stores, the next does not see."""
    with redis.Redis.from_url(redis_url) as connection:
        assert connection.dbsize() == 0

        connection.set(f"left by turn {turn}", 1)

        assert connection.dbsize() == 1


def test_a_stopped_redis_comes_back_empty_at_the_same_address() -> None:
    """Its loss can be rehearsed."""
    with redis_server() as server, redis.Redis.from_url(server.url) as connection:
        connection.set("held", 1)

        server.stop()
        with pytest.raises(redis.ConnectionError):
            connection.get("held")
        server.start()

        assert connection.get("held") is None


def test_the_password_is_asked_for(redis_url: str) -> None:
    """Other people's processes on a developer's machine stay outside."""
    stranger = redis.Redis.from_url(re.sub(":[^:@]+@", ":guess@", redis_url))

    with stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
