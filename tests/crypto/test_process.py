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


def test_every_command_turns_them_off() -> None:
    """Before it reads a key."""
    program = (
        "import atexit, resource, sys; from broker.__main__ import main; "
        "sys.argv = ['broker', 'vault', 'new-kek', 'local:main:2']; "
        "atexit.register(lambda: print(resource.getrlimit(resource.RLIMIT_CORE))); main()"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert run.stdout.splitlines()[-1] == "(0, 0)"
