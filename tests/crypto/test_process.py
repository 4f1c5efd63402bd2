"""A process that holds keys leaves no core files."""

from __future__ import annotations

import subprocess
import sys


def test_core_dumps_are_off_and_stay_off() -> None:
    """In a process of its own, since there is no way back."""
    program = (
        "import resource; from broker.crypto.process import no_core_dumps; no_core_dumps(); "
        "print(resource.getrlimit(resource.RLIMIT_CORE))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert run.stdout == "(0, 0)\n"
