"""Whether a broker that works for long holds more and more: what it has in memory after each so many operations.

Refuses to judge by the beginning: pages, pools and caches fill up with the first operations, so a slope is taken later.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.driver import Load, Watched, measure
from benchmarks.scenarios import SCENARIOS, Scenario
from benchmarks.wire import Broken
from benchmarks.worker import Place, Worker

WORKERS = 16
LONGEST = 600.0
"""Seconds that the operations between two looks may take."""

_MIX = (Worker.refresh, Worker.ask_userinfo, Worker.introspect, Worker.sign_in_again)


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """MiB before the first operation, and after every `every` of them."""

    every: int
    mib: Sequence[float]
    errors: int

    @property
    def growth(self) -> float:
        """MiB from before the first operation to after the last."""
        return self.mib[-1] - self.mib[0]

    def slope(self, *, after: int, of: int) -> float:
        """MiB that `of` operations add, by the least squares of what came after the first `after`."""
        counts = range(0, len(self.mib) * self.every, self.every)
        points = [(count, mib) for count, mib in zip(counts, self.mib, strict=True) if count >= after]
        return statistics.linear_regression(*zip(*points, strict=True)).slope * of


def mixed() -> Scenario:
    """Refresh, userinfo, introspection, and a sign-in on the live session, in turn."""
    turns = itertools.cycle(_MIX)

    async def once(worker: Worker) -> None:
        await next(turns)(worker)

    return Scenario(
        name="mixed",
        told="refresh, userinfo, introspection and sign-in on a live session, in turn",
        once=once,
        prepare=SCENARIOS["refresh"].prepare,
        names_provider=True,
    )


async def series(
    place: Place,
    scenario: Scenario,
    watched: Watched,
    *,
    start: float,
    many: int,
    every: int,
    say: Callable[[str], None],
) -> Series:
    """Do `many` operations, with new sessions after every `every`. `start`: MiB before. Raises `Broken`."""
    say(f"{many:,} times {scenario.told}")
    load = Load(workers=WORKERS, seconds=LONGEST, operations=every)
    mib, errors = [start], 0
    for done in range(every, many + 1, every):
        window = await measure(place, scenario, load, watched)
        wrong = sum(window.errors.values())
        if window.operations + wrong < every:
            raise Broken(f"{window.operations} of {every} operations, then: {window.errors or 'no time left'}")
        errors += wrong
        mib.append(window.resident_mib)
        say(
            f"  {done:9,}  {window.resident_mib:6.1f} MiB  {window.per_second:7.1f}/s"
            f"{f'  ERRORS {window.errors}' if wrong else ''}"
        )
    return Series(every=every, mib=mib, errors=errors)
