"""Child processes of the tests: started, waited for, stopped by their own id.

Never ends a process that it did not start, and leaves none behind, even when the tests themselves are killed.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from tests.servers.port import free_port

PATIENCE = 30.0  # seconds; a loaded two-core machine needs a few


Started = TypeVar("Started")


class NotReady(Exception):
    """A server ended, or ran out of time, before it was ready; the text is what it said."""


def on_a_free_port(start_at: Callable[[int], Started]) -> Started:
    """Start a server that binds its port itself; try others where somebody was quicker. Raises `NotReady`."""
    for _ in range(4):
        with suppress(NotReady):
            return start_at(free_port())
    return start_at(free_port())


def start(
    command: Sequence[str | Path],
    *,
    log: Path,
    output: Path | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    user: int | None = None,
    on_our_death: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start `command` out of reach of the terminal's Ctrl-C; what it prints goes to `log` (or `output`)."""
    if setpriv := shutil.which("setpriv"):  # util-linux: the kernel signals the child when its parent dies
        command = [setpriv, "--pdeathsig", on_our_death.name.removeprefix("SIG"), "--", *command]
    with log.open("ab") as errors, (output or log).open("ab") as printed:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=errors,
            env=environment,
            cwd=folder,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            start_new_session=True,
        )


def wait_until_ready(process: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path) -> None:
    """Ask `ready` until it says yes. Raises `NotReady` when the process ends first or time runs out."""
    deadline = time.monotonic() + PATIENCE
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            stop(process)
            raise NotReady(log.read_text(errors="replace")[-2000:])
        time.sleep(0.01)


def stop(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> None:
    """Ask the process to end, and make it end where it does not; one that has ended is left alone."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
