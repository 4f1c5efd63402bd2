"""What a run is asked to do, out of its arguments.

Refuses to run for long without being asked to: rounds, seconds and workers are bounded.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.driver import Load


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What to run. `patience`: how many rounds of a scenario may be run anew because others were at work meanwhile.

    `quick`: a tenth of what is counted rather than timed.
    """

    only: Sequence[str]
    load: Load
    pairs: int
    patience: int
    quick: bool


def parse(program: str, description: str, parts: Iterable[str], arguments: Sequence[str]) -> Plan:
    """The plan; ends the program with exit code 2 where the arguments make none."""
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument("--quick", action="store_true", help="three rounds of 2 s instead of five of 5 s")
    parser.add_argument("--pairs", type=int, help="rounds; in each of them every system has one window")
    parser.add_argument("--seconds", type=float, help="length of a window")
    parser.add_argument("--workers", type=int, default=16, help="how many work side by side (16)")
    parser.add_argument("--only", default=",".join(parts), help=f"out of {', '.join(parts)}")
    parser.add_argument(
        "--patience", type=int, default=0, help="how often a round may be run anew when others were at work (0)"
    )
    asked = parser.parse_args(arguments)
    pairs = asked.pairs or (3 if asked.quick else 5)
    seconds = asked.seconds or (2.0 if asked.quick else 5.0)
    only = asked.only.split(",")
    bounded = 1 <= pairs <= 30 and 0.5 <= seconds <= 30 and 1 <= asked.workers <= 64 and 0 <= asked.patience <= 100
    if not bounded:
        parser.error("at most 30 rounds of 0.5 to 30 s, 64 workers, a patience of 100")
    if unknown := set(only) - set(parts):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    return Plan(
        only=only,
        load=Load(workers=asked.workers, seconds=seconds),
        pairs=pairs,
        patience=asked.patience,
        quick=asked.quick,
    )
