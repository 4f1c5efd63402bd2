"""A whole run: every system side by side, windows in alternating order, and what is compared with what.

Refuses to judge by absolute figures: a comparison is the median of the ratios within each round, of speed and of CPU.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.driver import Load, Watched, Window, measure
from benchmarks.plan import Plan
from benchmarks.readings import Cores
from benchmarks.scenarios import SCENARIOS, Scenario
from benchmarks.servers import Server
from benchmarks.worker import Place

POSTGRESQL = "broker, PostgreSQL"
SQLITE = "broker, SQLite"
PEER = "oidc-provider, Redis"
OTHER_PEER = "Better Auth, PostgreSQL"
BARE = "bare Starlette"

WARM_UP = 1500
"""Operations that nobody counts, before the first round: connections open, Node compiles its busiest code."""
LONGEST_WARM_UP = 20
"""Windows; on a slow machine the rounds begin all the same."""
QUIET = 0.2
"""Cores that other work on the machine may take of our two. With more of it speeds say little, and CPU decides."""


@dataclass(frozen=True, kw_only=True, slots=True)
class System:
    """One contestant. `beside`: ids of further processes whose work is counted as its own."""

    name: str
    server: Server
    place: Place
    beside: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """`system` is to be at least `goal` times as fast as `against`, and later `then`; None: it is only shown."""

    scenario: str
    system: str
    against: str
    goal: float | None = None
    then: float | None = None


COMPARISONS = (
    Comparison(scenario="discovery", system=POSTGRESQL, against=BARE, goal=0.9),
    Comparison(scenario="jwks", system=POSTGRESQL, against=BARE, goal=0.9),
    Comparison(scenario="sign_in", system=POSTGRESQL, against=PEER, goal=1.0, then=1.3),
    Comparison(scenario="sign_in_chosen", system=POSTGRESQL, against=PEER, goal=1.0),
    Comparison(scenario="sign_in_again", system=POSTGRESQL, against=PEER),
    Comparison(scenario="token", system=POSTGRESQL, against=PEER),
    Comparison(scenario="refresh", system=POSTGRESQL, against=PEER, goal=1.0),
    Comparison(scenario="sign_in", system=POSTGRESQL, against=OTHER_PEER, goal=5.0, then=8.0),
    Comparison(scenario="refresh", system=POSTGRESQL, against=OTHER_PEER, goal=5.0, then=8.0),
    Comparison(scenario="introspection", system=POSTGRESQL, against=PEER, goal=0.6),
    Comparison(scenario="userinfo", system=POSTGRESQL, against=PEER, goal=0.7),
    Comparison(scenario="client_credentials", system=POSTGRESQL, against=PEER, goal=1.2),
    Comparison(scenario="refresh", system=SQLITE, against=PEER),
    Comparison(scenario="sign_in", system=SQLITE, against=PEER),
    Comparison(scenario="sign_in_again", system=SQLITE, against=PEER),
    Comparison(scenario="token", system=SQLITE, against=PEER),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a comparison found. `speed` and `cpu` are ratios: above 1 our broker is the better one.

    `quiet`: the machine had little else to do meanwhile.
    """

    comparison: Comparison
    speed: float
    cpu: float
    quiet: bool
    speeds: Sequence[float]
    cpus: Sequence[float]

    @property
    def met(self) -> bool | None:
        """Whether CPU reaches the goal, and speed too where it says something; None where there is no goal."""
        goal = self.comparison.goal
        return None if goal is None else self.cpu >= goal and (self.speed >= goal or not self.quiet)


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """All windows, by scenario and system in the order of the rounds, and the outcomes."""

    windows: Mapping[str, Mapping[str, Sequence[Window]]]
    outcomes: Sequence[Outcome]
    errors: int = field(default=0)


async def run(
    plan: Plan,
    systems: Mapping[str, System],
    cores: Cores,
    helpers: Sequence[int],
    say: Callable[[str], None],
    comparisons: Sequence[Comparison] = COMPARISONS,
) -> Findings:
    """Every scenario with every system that one of its comparisons names. `helpers` share the driver's core."""
    windows: dict[str, dict[str, list[Window]]] = {}
    for name in plan.only:
        contestants = [systems[one] for one in _contestants(name, comparisons) if one in systems]
        windows[name] = await _rounds(SCENARIOS[name], plan, contestants, cores, helpers, say)
    outcomes = [
        _outcome(comparison, windows[comparison.scenario])
        for comparison in comparisons
        if {comparison.system, comparison.against} <= windows.get(comparison.scenario, {}).keys()
    ]
    errors = sum(
        sum(window.errors.values()) for one in windows.values() for several in one.values() for window in several
    )
    return Findings(windows=windows, outcomes=outcomes, errors=errors)


async def _rounds(
    scenario: Scenario,
    plan: Plan,
    contestants: Sequence[System],
    cores: Cores,
    helpers: Sequence[int],
    say: Callable[[str], None],
) -> dict[str, list[Window]]:
    say(scenario.told)

    async def window(system: System, seconds: float) -> Window:
        watched = Watched(servers=[system.server.process_id, *system.beside], helpers=helpers, cores=cores)
        return await measure(system.place, scenario, Load(workers=plan.load.workers, seconds=seconds), watched)

    for system in contestants:
        done = 0
        for _ in range(LONGEST_WARM_UP):
            done += (await window(system, plan.load.seconds)).operations
            if done >= WARM_UP:
                break
    found: dict[str, list[Window]] = {system.name: [] for system in contestants}
    patience, number = plan.patience, 0
    while number < plan.pairs:
        ordered = contestants if number % 2 == 0 else contestants[::-1]
        windows = {system.name: await window(system, plan.load.seconds) for system in ordered}
        for name, one in windows.items():
            say(_line(name, one))
        if patience and any(one.strangers_busy > QUIET and not one.errors for one in windows.values()):
            patience -= 1
            say("  others were at work: once more")
            continue
        for name, one in windows.items():
            found[name].append(one)
        number += 1
    return found


def _line(name: str, window: Window) -> str:
    return (
        f"  {name:24}{window.per_second:9.1f}/s  p50 {window.p50_ms:7.2f}  p99 {window.p99_ms:7.2f} ms"
        f"  CPU {window.cpu_ms:6.3f} ms"
        f"  busy {window.server_busy:.2f} | {window.load_busy:.2f} | {window.strangers_busy:.2f}"
        f"{f'  ERRORS {window.errors}' if window.errors else ''}"
    )


def _contestants(scenario: str, comparisons: Sequence[Comparison]) -> Sequence[str]:
    names = [name for one in comparisons if one.scenario == scenario for name in (one.system, one.against)]
    return list(dict.fromkeys(names))


def _outcome(comparison: Comparison, windows: Mapping[str, Sequence[Window]]) -> Outcome:
    pairs = list(zip(windows[comparison.system], windows[comparison.against], strict=True))
    speeds = [_ratio(ours.per_second, theirs.per_second) for ours, theirs in pairs]
    cpus = [_ratio(theirs.cpu_ms, ours.cpu_ms) for ours, theirs in pairs]
    return Outcome(
        comparison=comparison,
        speed=statistics.median(speeds),
        cpu=statistics.median(cpus),
        quiet=statistics.median(window.strangers_busy for pair in pairs for window in pair) <= QUIET,
        speeds=speeds,
        cpus=cpus,
    )


def _ratio(a: float, b: float) -> float:
    return a / b if b else 0.0
