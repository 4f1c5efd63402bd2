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
from benchmarks.rounds import POSTGRESQL, SQLITE, Findings, Plan, System
from benchmarks.scenarios import SCENARIOS

IDLE_MIB = 93.0
START_MS = 2000.0
"""Goals that no peer sets: what the peer holds in memory, and what a person waits for without wondering."""

_OURS = (POSTGRESQL, SQLITE)


def tables(findings: Findings, systems: Mapping[str, System]) -> str:
    """Everything, as Markdown."""
    parts = [_goals(findings, systems)]
    if findings.windows:
        parts.append(_figures(findings))
    parts.append(_processes(findings, systems))
    return "\n\n".join(parts)


def write(folder: Path, plan: Plan, findings: Findings, systems: Mapping[str, System]) -> Path:
    """Keep it all in a file of its own, and the tables beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    document = {
        "at": stamp,
        "machine": {"processor": _processor(), "cores": os.cpu_count(), "python": platform.python_version()},
        "plan": dataclasses.asdict(plan),
        "outcomes": [dataclasses.asdict(outcome) | {"met": outcome.met} for outcome in findings.outcomes],
        "windows": {
            scenario: {name: [dataclasses.asdict(one) for one in several] for name, several in by_system.items()}
            for scenario, by_system in findings.windows.items()
        },
        "processes": {
            name: {
                "started_ms": system.server.started_ms,
                "start_cpu_ms": system.server.start_cpu_ms,
                "idle_mib": system.server.idle_mib,
            }
            for name, system in systems.items()
        },
        "errors": findings.errors,
    }
    path = folder / f"{stamp}.json"
    path.write_text(json.dumps(document, indent=1) + "\n")
    (folder / f"{stamp}.md").write_text(tables(findings, systems) + "\n")
    return path


def _goals(findings: Findings, systems: Mapping[str, System]) -> str:
    rows = [
        (
            f"{SCENARIOS[one.comparison.scenario].told} ({one.comparison.system})",
            one.comparison.against,
            "-" if one.comparison.goal is None else f"{one.comparison.goal:.2f}",
            f"{one.speed:.2f}",
            f"{one.cpu:.2f}",
            "speed, CPU" if one.quiet else "CPU",
            _verdict(one.met),
        )
        for one in findings.outcomes
    ]
    for name in (name for name in _OURS if name in systems):
        server = systems[name].server
        rows.append(
            (f"idle memory ({name})", "-", f"{IDLE_MIB:.0f} MiB", f"{server.idle_mib:.1f} MiB", "-", "-",
             _verdict(server.idle_mib <= IDLE_MIB))
        )  # fmt: skip
        # Starting is work on one core: where others are at work too, the processor time still tells how much.
        rows.append(
            (f"start to first discovery document ({name})", "-", f"{START_MS / 1000:.1f} s",
             f"{server.started_ms / 1000:.2f} s", f"{server.start_cpu_ms / 1000:.2f} s", "CPU",
             _verdict(server.start_cpu_ms <= START_MS))
        )  # fmt: skip
    rows.append(("errors", "-", "0", str(findings.errors), "-", "-", _verdict(findings.errors == 0)))
    return _table(("what", "against", "goal", "speed", "CPU", "judged by", ""), rows)


def _figures(findings: Findings) -> str:
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
    return _table(head, rows)


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
    return _table(("process", "start s", "start CPU s", "idle MiB", "most MiB after a window"), rows)


def _resident_after(findings: Findings, name: str) -> Sequence[float]:
    return [window.resident_mib for one in findings.windows.values() for window in one.get(name, ())]


def _median(windows: Sequence[Window], attribute: str) -> float:
    values: list[float] = [getattr(window, attribute) for window in windows]
    return statistics.median(values)


def _verdict(met: bool | None) -> str:
    return {True: "met", False: "MISSED", None: ""}[met]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
