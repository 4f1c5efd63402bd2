"""Child processes of the tests."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.servers.process import NotReady, on_a_free_port, start, stop, wait_until_ready

TALKER = [sys.executable, "-uc", "print('here'); import time; time.sleep(60)"]


def test_a_process_is_ready_when_it_says_so(tmp_path: Path) -> None:
    """What the process prints can be waited for."""
    log = tmp_path / "log"
    process = start(TALKER, log=log)

    wait_until_ready(process, lambda: "here" in log.read_text(), log)
    stop(process)

    assert process.returncode is not None


def test_a_process_that_ends_too_early_is_reported_with_its_words(tmp_path: Path) -> None:
    """The log's last lines are the error."""
    log = tmp_path / "log"
    process = start([sys.executable, "-c", "raise SystemExit('no port for me')"], log=log)

    with pytest.raises(NotReady, match="no port for me"):
        wait_until_ready(process, lambda: False, log)


def test_stopping_twice_is_harmless(tmp_path: Path) -> None:
    """A process that has ended is left alone."""
    process = start(TALKER, log=tmp_path / "log")

    stop(process)
    stop(process)

    assert process.returncode is not None


def test_a_server_whose_port_was_taken_tries_another() -> None:
    """Each attempt gets a port of its own, and the last failure is told."""
    tried: list[int] = []

    def third_time(port: int) -> int:
        tried.append(port)
        if len(tried) < 3:
            raise NotReady("address already in use")
        return port

    assert on_a_free_port(third_time) == tried[-1]


def test_a_server_that_never_starts_is_given_up() -> None:
    """After five ports the reason is raised."""

    def never(port: int) -> int:
        raise NotReady("out of memory")

    with pytest.raises(NotReady, match="out of memory"):
        on_a_free_port(never)


def test_no_process_outlives_the_tests_that_started_it(tmp_path: Path) -> None:
    """Where the tests are killed, the kernel ends their servers."""
    log = tmp_path / "log"
    starter = (
        "import time; from pathlib import Path; from tests.servers.process import start, wait_until_ready;"
        f"log = Path({str(log)!r}); process = start({TALKER!r}, log=log);"
        "wait_until_ready(process, lambda: 'here' in log.read_text(), log);"
        "print(process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        orphan = int(parent.stdout.readline())
        parent.kill()

    deadline = time.monotonic() + 10
    while _alive(orphan) and time.monotonic() < deadline:
        time.sleep(0.01)

    assert not _alive(orphan)


def _alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{process_id}/status").read_text()
