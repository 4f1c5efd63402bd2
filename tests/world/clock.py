"""The time of a world: one clock for broker, Provider, Application and service, which stands still until it is moved.

It begins at the present, so that browsers and peers, which have clocks of their own, agree with it for some minutes.
For those that say what time it is to the second there is one which goes.
"""

from __future__ import annotations

import time


class Clock:
    """Seconds since the epoch, UTC. A clock for the broker (`now`), and for the demo's parts (called)."""

    def __init__(self, begins: int | None = None) -> None:
        self._now = int(time.time()) if begins is None else begins

    def now(self) -> int:
        """What it shows."""
        return self._now

    def __call__(self) -> int:
        return self._now

    def advance(self, seconds: int) -> None:
        """Let time pass for everybody in the world."""
        self._now += seconds


class RunningClock(Clock):
    """Goes with everybody else's, ahead of them by as much as it was advanced."""

    def __init__(self) -> None:
        super().__init__(0)

    def now(self) -> int:
        """What it shows."""
        return int(time.time()) + self._now

    def __call__(self) -> int:
        return self.now()
