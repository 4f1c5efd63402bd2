"""Clocks that a test moves by hand: what everybody's watch says, and what has passed."""

from __future__ import annotations

from partner_ops_verifier import Clocks

NOW = 1_800_000_000


class Hands:
    """`clocks` are for a verifier; `now` may also be set back, as watches are."""

    def __init__(self, now: int = NOW) -> None:
        self.now = now
        self.passed = 1000.0
        self.clocks = Clocks(now=lambda: self.now, steady=lambda: self.passed)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += int(seconds)
        self.passed += seconds
