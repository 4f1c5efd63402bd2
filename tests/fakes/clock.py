"""A clock for one test: it stands still until it is moved."""

from __future__ import annotations


class SettableClock:
    """A `Clock`. Times are whole seconds since the epoch, UTC."""

    def __init__(self, now: int) -> None:
        self._now = now

    def now(self) -> int:
        """What it shows."""
        return self._now

    def advance(self, seconds: int) -> None:
        """Let time pass."""
        self._now += seconds
