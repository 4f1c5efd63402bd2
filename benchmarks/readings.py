"""What the kernel says about a process: the time it has worked, and the memory it holds.

Refuses to estimate: everything is read from /proc, so the benchmarks run on Linux only.
"""

from __future__ import annotations

import os
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def worked(process_id: int) -> float:
    """Seconds of processor time of a process and its descendants, alive or waited for: utime, stime, cutime, cstime."""
    return sum(sum(int(part) for part in _stat(one)[11:15]) / _TICK for one in _family(process_id))


def resident(process_id: int) -> float:
    """MiB that a process and its descendants hold in memory; pages which they share count more than once."""
    return sum(_resident_kib(one) for one in _family(process_id)) / 1024


def _family(process_id: int) -> list[int]:
    family = [process_id]
    for member in family:  # grows while it is walked
        for task in Path(f"/proc/{member}/task").iterdir():
            family += [int(child) for child in (task / "children").read_text().split()]
    return family


def _stat(process_id: int) -> list[str]:
    """The fields of /proc/<id>/stat from the third on; the second, a name, may hold anything."""
    return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()


def _resident_kib(process_id: int) -> int:
    for line in Path(f"/proc/{process_id}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0
