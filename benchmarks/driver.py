"""The closed loop: so many workers, each beginning its next operation when the last one is checked, for so long.

Refuses to hide an error: each is counted by its kind, and a window with too many of them ends at once.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.readings import resident, worked
from benchmarks.scenarios import Place, Scenario, Worker
from benchmarks.wire import Broken

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
    resident_mib: float
    errors: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """How hard, and how long."""

    workers: int
    seconds: float


async def measure(place: Place, scenario: Scenario, load: Load, server: int, helpers: Sequence[int]) -> Window:
    """One window against the process `server`; `helpers` share the driver's core.

    Raises `Broken` when it cannot even be prepared.
    """
    extra = NAMED_PROVIDER if scenario.names_provider else {}
    workers = [Worker(place, extra) for _ in range(load.workers)]
    try:
        await _prepare(workers, scenario, load)
        return await _run(workers, scenario, load, server, helpers)
    finally:
        for worker in workers:
            worker.close()


async def _prepare(workers: Sequence[Worker], scenario: Scenario, load: Load) -> None:
    if scenario.counts_codes:
        each = math.ceil(load.seconds * CODES_PER_SECOND / len(workers))
        await asyncio.gather(*(worker.prepare_codes(each) for worker in workers))
    elif scenario.prepare is not None:
        await asyncio.gather(*(scenario.prepare(worker) for worker in workers))


async def _run(
    workers: Sequence[Worker], scenario: Scenario, load: Load, server: int, helpers: Sequence[int]
) -> Window:
    times: list[float] = []
    errors: Counter[str] = Counter()
    began, server_before, load_before = time.perf_counter(), worked(server), _load_work(helpers)
    end = began + load.seconds

    async def work(worker: Worker) -> None:
        while (start := time.perf_counter()) < end and errors.total() < TOO_MANY_ERRORS:
            if scenario.counts_codes and not worker.codes:
                return
            try:
                async with asyncio.timeout(PATIENCE):
                    await scenario.once(worker)
            except (Broken, TimeoutError, OSError) as error:
                errors[str(error) or type(error).__name__] += 1
            else:
                times.append(time.perf_counter() - start)

    await asyncio.gather(*(work(worker) for worker in workers))
    took = time.perf_counter() - began
    server_worked, load_worked = worked(server) - server_before, _load_work(helpers) - load_before
    times.sort()
    return Window(
        operations=len(times),
        seconds=round(took, 3),
        per_second=len(times) / took,
        p50_ms=_quantile(times, 0.5) * 1000,
        p99_ms=_quantile(times, 0.99) * 1000,
        cpu_ms=server_worked * 1000 / max(len(times), 1),
        server_busy=server_worked / took,
        load_busy=load_worked / took,
        resident_mib=resident(server),
        errors=dict(errors),
    )


def _load_work(helpers: Sequence[int]) -> float:
    return time.process_time() + sum(worked(helper) for helper in helpers)


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0
