"""Owns rate counters: how often something happened within a time, in this process or, with Redis, in all of them.

Refuses to fail and to grow: without Redis it counts on here, and it forgets the oldest before it takes much room.
"""

from __future__ import annotations

import itertools
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from broker.storage.shared_counts import SharedCounts

LEAVE_REDIS_ALONE_FOR = 5.0
"""Seconds after a failure, so that a Redis which hangs does not slow down every request."""
ANSWER_WITHIN = 0.25
"""Seconds that Redis has for a count."""
WARN_EVERY = 60.0
"""Seconds."""
MAX_KEYS = 100_000
"""Some 20 MB. More keys than these within one window come from an attack that no counter stops."""

_log = logging.getLogger("broker.storage.counters")


@dataclass(kw_only=True, slots=True)
class _Window:
    """What happened to a key since its first hit. `full`: the last hit was refused, and so will be all until `ends`."""

    count: int = 0
    ends: float
    full: bool = False


class Counters:
    """Fixed windows: a key's begins with its first hit. `clock` gives seconds, of which only differences count."""

    def __init__(
        self,
        redis_url: str | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        answer_within: float = ANSWER_WITHIN,
    ) -> None:
        self._clock = clock
        self._windows: dict[str, _Window] = {}
        self._shared = _shared_counts(redis_url, answer_within) if redis_url else None
        self._ask_redis_at = self._warn_at = -math.inf

    async def hit(self, key: str, limit: int, per_seconds: int) -> int | None:
        """Count one. Whole seconds to wait when it was more than `limit` in `per_seconds`, else None. Never raises."""
        window = self._window(key, per_seconds)
        window.count = count = window.count + 1
        if self._shared is not None and self._clock() >= self._ask_redis_at:
            try:
                # Kept here too: should Redis fail, counting goes on from where it was.
                count, left = await self._shared.count(key, per_seconds)
                window.count = max(window.count, count)
                window.ends = self._clock() + left
            except ConnectionError as error:
                self._note_failure(error)
        window.full = count > limit
        return self.blocked(key) or 1 if window.full else None

    def blocked(self, key: str) -> int:
        """Whole seconds still to wait since a hit was refused, 0 when free. Costs no I/O."""
        window = self._windows.get(key)
        if window is None or not window.full:
            return 0
        return max(0, math.ceil(window.ends - self._clock()))

    async def close(self) -> None:
        """Let go of Redis."""
        if self._shared is not None:
            await self._shared.close()

    def _window(self, key: str, per_seconds: int) -> _Window:
        now = self._clock()
        window = self._windows.get(key)
        if window is None or window.ends <= now:
            self._windows.pop(key, None)  # so that the new one is the last in line
            if len(self._windows) >= MAX_KEYS:
                self._make_room(now)
            window = self._windows[key] = _Window(ends=now + per_seconds)
        return window

    def _make_room(self, now: float) -> None:
        self._windows = {key: window for key, window in self._windows.items() if window.ends > now}
        too_many = max(0, len(self._windows) - MAX_KEYS * 9 // 10)
        for key in list(itertools.islice(self._windows, too_many)):
            del self._windows[key]

    def _note_failure(self, error: ConnectionError) -> None:
        now = self._clock()
        self._ask_redis_at = now + LEAVE_REDIS_ALONE_FOR
        if now >= self._warn_at:
            self._warn_at = now + WARN_EVERY
            _log.warning("redis does not answer, counting in this process alone: %s", error)


def _shared_counts(redis_url: str, answer_within: float) -> SharedCounts:
    # Loading the library takes a quarter of a second, which a broker without Redis need not wait for.
    from broker.storage.shared_counts import SharedCounts  # noqa: PLC0415

    return SharedCounts(redis_url, answer_within)
