"""The closed loop: so many workers, each beginning its next operation when the last one is checked, for so long.

Refuses to hide an error: each is counted by its kind, and a window with too many of them ends at once.
"""

from __future__ import annotations

import asyncio
import math
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.readings import Cores, core_worked, resident, worked
from benchmarks.scenarios import Scenario
from benchmarks.wire import Broken
from benchmarks.worker import Place, Worker

PATIENCE = 15.0
"""Seconds that one operation may take."""
TOO_MANY_ERRORS = 50
CODES_PER_SECOND = 400
"""Codes put by for each second of a window that redeems them; the window ends early when they are used up."""
NAMED_PROVIDER = {"provider": "upstream"}
"""How an Application names a Provider in our authorize request; others ignore the parameter."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """What one window found. Times of operations in milliseconds; `cpu_ms` is the server's, for one operation."""

    operations: int
    seconds: float
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    server_busy: float
    """Cores that the server used: near 1.0 it was the bottleneck, as it must be."""
    load_busy: float
    """The same for the other core: the driver, the upstream and the databases. Near 1.0 they were the bottleneck."""
    strangers_busy: float
    """What other work on the machine took of the two."""
    resident_mib: float
    errors: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """Process ids: what is measured, and the helpers that share the driver's core."""

    servers: Sequence[int]
    helpers: Sequence[int]
    cores: Cores


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """How hard, and how long: until so many `operations` are done, or the `seconds` are over."""

    workers: int
    seconds: float
    operations: int = sys.maxsize


async def measure(place: Place, scenario: Scenario, load: Load, watched: Watched) -> Window:
    """One window. Raises `Broken` when it cannot even be prepared."""
    extra = NAMED_PROVIDER if scenario.names_provider else {}
    workers = [Worker(place, extra) for _ in range(load.workers)]
    try:
        await _prepare(workers, scenario, load)
        return await _run(workers, scenario, load, watched)
    finally:
        for worker in workers:
            worker.close()


async def _prepare(workers: Sequence[Worker], scenario: Scenario, load: Load) -> None:
    if scenario.counts_codes:
        each = math.ceil(load.seconds * CODES_PER_SECOND / len(workers))
        await asyncio.gather(*(worker.prepare_codes(each) for worker in workers))
    elif scenario.prepare is not None:
        await asyncio.gather(*(scenario.prepare(worker) for worker in workers))


async def _run(workers: Sequence[Worker], scenario: Scenario, load: Load, watched: Watched) -> Window:
    times: list[float] = []
    errors: Counter[str] = Counter()
    before, began = _work(watched), time.perf_counter()
    end, left = began + load.seconds, load.operations

    async def work(worker: Worker) -> None:
        nonlocal left
        while (start := time.perf_counter()) < end and left > 0 and errors.total() < TOO_MANY_ERRORS:
            if scenario.counts_codes and not worker.codes:
                return
            left -= 1
            try:
                async with asyncio.timeout(PATIENCE):
                    await scenario.once(worker)
            except (Broken, TimeoutError, OSError) as error:
                errors[str(error) or type(error).__name__] += 1
            else:
                times.append(time.perf_counter() - start)

    await asyncio.gather(*(work(worker) for worker in workers))
    took = time.perf_counter() - began
    server, ours, everybody = (after - then for after, then in zip(_work(watched), before, strict=True))
    times.sort()
    return Window(
        operations=len(times),
        seconds=round(took, 3),
        per_second=len(times) / took,
        p50_ms=_quantile(times, 0.5) * 1000,
        p99_ms=_quantile(times, 0.99) * 1000,
        cpu_ms=server * 1000 / max(len(times), 1),
        server_busy=server / took,
        load_busy=ours / took,
        strangers_busy=max(0.0, everybody - server - ours) / took,
        resident_mib=sum(map(resident, watched.servers)),
        errors=dict(errors),
    )


def _work(watched: Watched) -> tuple[float, float, float]:
    """Seconds so far: those of what is measured, of all else that is ours, and everybody's on the two cores."""
    ours = time.process_time() + sum(worked(helper) for helper in watched.helpers)
    return sum(map(worked, watched.servers)), ours, core_worked(watched.cores)


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0
