"""What a run found, as tables to read and as JSON to keep.

Refuses to round a miss up: what is judged is judged before it is printed.
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.driver import Window
from benchmarks.plan import Plan
from benchmarks.rounds import PEER, POSTGRESQL, QUIET, SQLITE, Findings, Outcome, System
from benchmarks.scenarios import SCENARIOS

IDLE_MIB = 93.0
START_MS = 2000.0
"""Goals that no peer sets: what the peer holds in memory, and what a person waits for without wondering."""

SPREAD = 3.0
SPREAD_AT = 16
"""How many times as long as the median the slowest hundredth may take, with so many workers."""
SPREAD_OF = ("sign_in", "refresh")

OUTCOME_HEAD = ("what", "against", "goal", "speed", "CPU", "judged by", "")

_OURS = (POSTGRESQL, SQLITE)


def tables(plan: Plan, findings: Findings, systems: Mapping[str, System]) -> str:
    """Everything, as Markdown."""
    parts = [_goals(plan, findings, systems)]
    if findings.windows:
        parts.append(figures(findings))
    parts.append(_processes(findings, systems))
    return "\n\n".join(parts)


def write(folder: Path, plan: Plan, findings: Findings, systems: Mapping[str, System]) -> Path:
    """Keep it all in a file of its own, and the tables beside it."""
    processes = {
        name: {
            "started_ms": system.server.started_ms,
            "start_cpu_ms": system.server.start_cpu_ms,
            "idle_mib": system.server.idle_mib,
        }
        for name, system in systems.items()
    }
    return keep(folder, "", document(plan, findings) | {"processes": processes}, tables(plan, findings, systems))


def document(plan: Plan, findings: Findings) -> dict[str, object]:
    """All that was found by rounds, for JSON."""
    return {
        "plan": dataclasses.asdict(plan),
        "outcomes": [dataclasses.asdict(outcome) | {"met": outcome.met} for outcome in findings.outcomes],
        "windows": {
            scenario: {name: [dataclasses.asdict(one) for one in several] for name, several in by_system.items()}
            for scenario, by_system in findings.windows.items()
        },
        "errors": findings.errors,
    }


def keep(folder: Path, kind: str, found: Mapping[str, object], text: str) -> Path:
    """A file of its own for what was found, and `text` beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    machine = {"processor": _processor(), "cores": os.cpu_count(), "python": platform.python_version()}
    path = folder / f"{stamp}{kind}.json"
    path.write_text(json.dumps({"at": stamp, "machine": machine, **found}, indent=1) + "\n")
    path.with_suffix(".md").write_text(text + "\n")
    return path


def outcome_row(one: Outcome) -> tuple[str, ...]:
    """A comparison, under `OUTCOME_HEAD`."""
    goal, then = (None if goal is None else f"{goal:.2f}" for goal in (one.comparison.goal, one.comparison.then))
    return (
        f"{SCENARIOS[one.comparison.scenario].told} ({one.comparison.system})",
        one.comparison.against,
        (goal or "-") + (f", then {then}" if then else ""),
        f"{one.speed:.2f}",
        f"{one.cpu:.2f}",
        "speed, CPU" if one.quiet else "CPU",
        verdict(one.met),
    )


def _goals(plan: Plan, findings: Findings, systems: Mapping[str, System]) -> str:
    rows = [*map(outcome_row, findings.outcomes), *_spreads(plan, findings)]
    for name in (name for name in _OURS if name in systems):
        server = systems[name].server
        rows.append(
            (f"idle memory ({name})", "-", f"{IDLE_MIB:.0f} MiB", f"{server.idle_mib:.1f} MiB", "-", "-",
             verdict(server.idle_mib <= IDLE_MIB))
        )  # fmt: skip
        # Starting is work on one core: where others are at work too, the processor time still tells how much.
        rows.append(
            (f"start to first discovery document ({name})", "-", f"{START_MS / 1000:.1f} s",
             f"{server.started_ms / 1000:.2f} s", f"{server.start_cpu_ms / 1000:.2f} s", "CPU",
             verdict(server.start_cpu_ms <= START_MS))
        )  # fmt: skip
    rows.append(("errors", "-", "0", str(findings.errors), "-", "-", verdict(findings.errors == 0)))
    return table(OUTCOME_HEAD, rows)


def _spreads(plan: Plan, findings: Findings) -> list[tuple[str, ...]]:
    """How far the slowest are from the median. Of a machine that others use too this says nothing."""
    rows: list[tuple[str, ...]] = []
    for scenario in SPREAD_OF:
        by_system = findings.windows.get(scenario, {})
        if POSTGRESQL not in by_system:
            continue
        spread, theirs = _spread(by_system[POSTGRESQL]), _spread(by_system.get(PEER, ()))
        quiet = _median(by_system[POSTGRESQL], "strangers_busy") <= QUIET
        judged = quiet and plan.load.workers == SPREAD_AT
        told = f"p99 / p50 with {plan.load.workers} workers, {SCENARIOS[scenario].told} ({POSTGRESQL})"
        beside = f"{PEER}: {theirs:.2f}" if theirs else "-"
        met = spread <= SPREAD if judged else None
        rows.append((told, beside, f"at most {SPREAD:.0f}", f"{spread:.2f}", "-", "-", verdict(met)))
    return rows


def _spread(windows: Sequence[Window]) -> float:
    return statistics.median(one.p99_ms / one.p50_ms if one.p50_ms else 0.0 for one in windows) if windows else 0.0


def figures(findings: Findings) -> str:
    """The medians of the windows."""
    rows = [
        (
            SCENARIOS[scenario].told,
            name,
            f"{_median(windows, 'per_second'):,.0f}",
            f"{_median(windows, 'p50_ms'):.2f}",
            f"{_median(windows, 'p99_ms'):.2f}",
            f"{_median(windows, 'cpu_ms'):.3f}",
            f"{_median(windows, 'server_busy'):.2f}",
            f"{_median(windows, 'load_busy'):.2f}",
            f"{_median(windows, 'strangers_busy'):.2f}",
        )
        for scenario, by_system in findings.windows.items()
        for name, windows in by_system.items()
    ]
    head = ("operation", "system", "operations/s", "p50 ms", "p99 ms", "CPU ms/operation", "server", "load", "others")
    return table(head, rows)


def _processes(findings: Findings, systems: Mapping[str, System]) -> str:
    rows = [
        (
            name,
            f"{system.server.started_ms / 1000:.2f}",
            f"{system.server.start_cpu_ms / 1000:.2f}",
            f"{system.server.idle_mib:.1f}",
            f"{max(after):.1f}" if (after := _resident_after(findings, name)) else "-",
        )
        for name, system in systems.items()
    ]
    return table(("process", "start s", "start CPU s", "idle MiB", "most MiB after a window"), rows)


def _resident_after(findings: Findings, name: str) -> Sequence[float]:
    return [window.resident_mib for one in findings.windows.values() for window in one.get(name, ())]


def _median(windows: Sequence[Window], attribute: str) -> float:
    values: list[float] = [getattr(window, attribute) for window in windows]
    return statistics.median(values)


def verdict(met: bool | None) -> str:
    """None: there was nothing to judge."""
    return {True: "met", False: "MISSED", None: ""}[met]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """As Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
