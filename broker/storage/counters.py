"""Owns the counters behind rate limits: in the process, and in Redis where one is configured.

Refuses to fail: with Redis away each process counts for itself, and says so once a minute.
"""

from __future__ import annotations

import asyncio
import logging
import time

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.strategies import FixedWindowRateLimiter

REDIS_WITHIN = 0.25
"""Seconds that a count may take in Redis."""
_REMEMBERED = 10_000
_SAY_EVERY = 60.0

_log = logging.getLogger("broker.counters")


class Counters:
    """Counts what is refused. `redis_url` None: this process alone."""

    def __init__(self, redis_url: str | None = None) -> None:
        self._memory = MemoryStorage()
        self._own = FixedWindowRateLimiter(self._memory)
        self._redis = None if redis_url is None else RedisStorage(f"async+{redis_url}", implementation="redispy")
        self._shared = None if self._redis is None else FixedWindowRateLimiter(self._redis)
        self._blocked: dict[str, float] = {}
        self._said_at = float("-inf")

    async def hit(self, key: str, limit: int, per_seconds: int) -> int | None:
        """Count one. Seconds to wait when it was one too many, else None."""
        item = RateLimitItemPerSecond(limit, per_seconds)
        over = not await self._own.hit(item, key)
        storage: Storage = self._memory
        if self._shared is not None:
            try:
                async with asyncio.timeout(REDIS_WITHIN):
                    over = not await self._shared.hit(item, key) or over
                    storage = self._redis or self._memory
            except Exception as error:  # noqa: BLE001 - whatever Redis does, requests go on
                self._say(error)
        if not over:
            return None
        return await self._block(key, item, storage)

    def blocked(self, key: str) -> int:
        """Seconds still to wait, as far as this process knows; 0 when free. Costs no I/O."""
        until = self._blocked.get(key)
        if until is None:
            return 0
        left = until - time.monotonic()
        if left <= 0:
            del self._blocked[key]
            return 0
        return int(left) + 1

    async def close(self) -> None:
        """Let go of Redis."""
        if self._redis is not None:
            await self._redis.storage.aclose()

    async def _block(self, key: str, item: RateLimitItemPerSecond, storage: Storage) -> int:
        expires = await self._memory.get_expiry(item.key_for(key)) if storage is self._memory else 0.0
        wait = max(1, int((expires or time.time() + item.get_expiry()) - time.time()) + 1)
        if len(self._blocked) >= _REMEMBERED:
            self._blocked.pop(next(iter(self._blocked)))
        self._blocked[key] = time.monotonic() + wait
        return wait

    def _say(self, error: Exception) -> None:
        now = time.monotonic()
        if now - self._said_at >= _SAY_EVERY:
            self._said_at = now
            _log.warning("redis is away, limits count in this process alone: %s", type(error).__name__)
