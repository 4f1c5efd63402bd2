"""What the kernel says: how long a process or a core has worked, and what a process holds in memory.

Refuses to estimate: everything is read from /proc, so the benchmarks run on Linux only.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True, slots=True)
class Cores:
    """One for the server under measurement, one for everything else."""

    server: int
    load: int


def worked(process_id: int) -> float:
    """Seconds of processor time of a process and its descendants, alive or waited for: utime, stime, cutime, cstime."""
    return sum(sum(int(part) for part in _stat(one)[11:15]) / _TICK for one in _family(process_id))


def core_worked(cores: Cores) -> float:
    """Seconds that the two cores have worked for anybody, or were kept from it by the machine's host (steal)."""
    names = (f"cpu{cores.server}", f"cpu{cores.load}")
    lines = (line.split() for line in Path("/proc/stat").read_text().splitlines())
    return sum((sum(map(int, line[1:4])) + int(line[8])) / _TICK for line in lines if line[0] in names)


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
