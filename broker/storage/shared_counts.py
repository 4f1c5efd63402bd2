"""Owns counting in Redis, where all broker processes count together.

Refuses to be waited for: what takes too long has failed.
"""

from __future__ import annotations

import asyncio

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

CONNECTIONS = 4
"""Of one process. A burst waits its turn for less time than opening more would take."""
_COUNT = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {count, redis.call('PTTL', KEYS[1])}
"""


class SharedCounts:
    """Counts of keys, each in a window of its own that begins with the first count. `answer_within`: seconds."""

    def __init__(self, url: str, answer_within: float) -> None:
        self._answer_within = answer_within
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=answer_within,
            socket_timeout=answer_within,
            socket_connect_timeout=answer_within,
            retry=Retry(NoBackoff(), 0),  # a count repeated is a count too many
        )
        self._redis = Redis.from_pool(pool)
        self._count = self._redis.register_script(_COUNT)

    async def count(self, key: str, per_seconds: int) -> tuple[int, float]:
        """Count one; how many there are in this window now, and the seconds until it ends. Raises `ConnectionError`."""
        try:
            async with asyncio.timeout(self._answer_within):
                count, milliseconds = await self._count([f"broker:count:{key}"], [per_seconds * 1000])
                return int(count), int(milliseconds) / 1000
        except (RedisError, OSError, TimeoutError, TypeError, ValueError) as error:
            raise ConnectionError(type(error).__name__) from None

    async def close(self) -> None:
        """Let go of every connection."""
        await self._redis.aclose()
