"""Rate counters: the limit, the wait, and that Redis may come and go without anybody noticing."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator

import pytest
from redis import Redis

from broker.storage import counters
from broker.storage.counters import Counters
from tests.servers.redis import RedisServer, redis_server
from tests.storage.proxy import Proxy

pytestmark = pytest.mark.anyio


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def hits(count: Counters, times: int, *, key: str = "sign-in|192.0.2.1", limit: int = 3) -> list[int | None]:
    return [await count.hit(key, limit, 60) for _ in range(times)]


async def test_more_than_the_limit_has_to_wait_until_the_window_ends() -> None:
    """To the second, rounded up; then it begins anew."""
    clock = Clock()
    count = Counters(clock=clock)

    assert await hits(count, 3) == [None, None, None]
    clock.now += 10.5
    assert await hits(count, 2) == [50, 50]
    clock.now += 49.5
    assert await hits(count, 4) == [None, None, None, 60]


async def test_keys_are_counted_apart() -> None:
    """One caller's refusals are not another's."""
    count = Counters()
    await hits(count, 4, key="sign-in|192.0.2.1")

    assert await hits(count, 1, key="sign-in|192.0.2.2") == [None]


async def test_who_was_refused_is_known_without_asking() -> None:
    """From the refusal until the window ends, and not before."""
    clock = Clock()
    count = Counters(clock=clock)
    await hits(count, 3)

    assert count.blocked("sign-in|192.0.2.1") == 0
    await hits(count, 1)
    assert count.blocked("sign-in|192.0.2.1") == 60
    assert count.blocked("sign-in|192.0.2.2") == 0
    clock.now += 59.1
    assert count.blocked("sign-in|192.0.2.1") == 1
    clock.now += 0.9
    assert count.blocked("sign-in|192.0.2.1") == 0


async def test_a_limit_of_none_refuses_everything() -> None:
    """Nothing is allowed where nothing was."""
    assert await hits(Counters(), 1, limit=0) == [60]


async def test_an_attack_with_many_keys_takes_little_room() -> None:
    """The oldest are forgotten, the newest are counted."""
    clock = Clock()
    count = Counters(clock=clock)
    for number in range(counters.MAX_KEYS + 10):
        await count.hit(f"sign-in|{number}", 0, 60)

    assert count.blocked("sign-in|0") == 0
    assert count.blocked(f"sign-in|{counters.MAX_KEYS + 9}") == 60
    assert len(count._windows) <= counters.MAX_KEYS


async def test_windows_that_ended_make_room_first() -> None:
    """Who is still refused stays so."""
    clock = Clock()
    count = Counters(clock=clock)
    for number in range(counters.MAX_KEYS - 1):
        await count.hit(f"sign-in|{number}", 0, 10)
    clock.now += 9
    await count.hit("sign-in|late", 0, 60)
    clock.now += 1
    await count.hit("sign-in|later", 0, 60)

    assert len(count._windows) == 2
    assert count.blocked("sign-in|late") == 59


# ── with Redis


async def test_processes_count_together(redis_url: str) -> None:
    """Two counters with one Redis share one limit."""
    one, another = Counters(redis_url), Counters(redis_url)

    assert await hits(one, 2) == [None, None]
    assert await hits(another, 2) == [None, 60]
    assert another.blocked("sign-in|192.0.2.1") == 60
    assert one.blocked("sign-in|192.0.2.1") == 0
    assert await hits(one, 1) == [60]
    await one.close()
    await another.close()


async def test_many_hits_at_once_are_counted_each(redis_url: str) -> None:
    """No more than the limit gets through."""
    count = Counters(redis_url, answer_within=30)
    waits = await asyncio.gather(*(count.hit("key", 20, 60) for _ in range(100)))
    await count.close()

    assert waits.count(None) == 20


async def test_a_window_in_redis_ends_by_itself(redis_url: str) -> None:
    """Nothing stays there for good."""
    count = Counters(redis_url)
    assert await count.hit("key", 0, 1) == 1
    await asyncio.sleep(1.1)

    assert await count.hit("key", 1, 1) is None
    await count.close()


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """One to break."""
    with redis_server() as server:
        yield server


async def test_counting_goes_on_without_redis(own_redis: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    """From where it was; the operator is told once, not at every request, and Redis is used again when it is back."""
    clock = Clock()
    count = Counters(own_redis.url, clock=clock)
    with caplog.at_level(logging.WARNING):
        assert await hits(count, 2) == [None, None]
        own_redis.stop()
        assert await hits(count, 2) == [None, 60]
        clock.now += counters.LEAVE_REDIS_ALONE_FOR
        assert await hits(count, 1) == [55]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    own_redis.start()
    clock.now += counters.LEAVE_REDIS_ALONE_FOR

    assert await hits(count, 1) == [None]
    await count.close()


async def test_redis_that_was_never_there_does_not_matter() -> None:
    """A broker starts and counts."""
    count = Counters("redis://127.0.0.1:1/0")

    assert await hits(count, 4) == [None, None, None, 60]
    await count.close()


async def test_redis_that_hangs_costs_a_quarter_of_a_second_once(redis_url: str) -> None:
    """Then it is left alone for a while."""
    proxy = Proxy(redis_url)
    await proxy.listen()
    count = Counters(proxy.url)
    assert await hits(count, 1) == [None]
    proxy.be_silent()
    began = time.monotonic()

    assert await hits(count, 3) == [None, None, 60]
    assert time.monotonic() - began < 0.7
    await count.close()
    proxy.speak()
    await proxy.refuse()


async def test_an_answer_that_makes_no_sense_does_not_matter(redis_url: str) -> None:
    """Somebody else's value stands where the count should."""
    with Redis.from_url(redis_url) as redis:
        redis.set("broker:count:sign-in|192.0.2.1", "not a number")
    count = Counters(redis_url)

    assert await hits(count, 4) == [None, None, None, 60]
    await count.close()
