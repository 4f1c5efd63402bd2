"""Independent software written for Node: found, run once, or kept running as a peer.

A peer prints one line of JSON when it is ready, and nothing to its standard output before that.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.servers.process import PATIENCE, NotReady, start, stop, wait_until_ready

PEERS = Path(__file__).parent.parent / "peers"
OLDEST_NODE = 22  # what oidc-provider 9 asks for
MISSING = f"Node {OLDEST_NODE} and the packages of tests/peers are missing: run tests/install"


@cache
def find_node() -> Path | None:
    """The Node that the peers' lock file brings, else the machine's own where it is new enough, else None."""
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), "")
    carried = PEERS / "node_modules" / f"node-linux-{machine}" / "bin" / "node"
    if carried.is_file():
        return carried
    own = shutil.which("node")
    if own is None or not (PEERS / "node_modules" / "oidc-provider").is_dir():
        return None
    version = subprocess.run([own, "--version"], capture_output=True, text=True, check=True).stdout
    return Path(own) if int(version.removeprefix("v").split(".")[0]) >= OLDEST_NODE else None


def require_node(found: Path | None, *, continuous_integration: bool) -> Path:
    """Answer `found`; where it is None, leave the test out, or fail it where nothing may be left out."""
    if found is not None:
        return found
    if continuous_integration:
        pytest.fail(MISSING, pytrace=False)
    pytest.skip(MISSING)


def run_node(script: Path, *arguments: str, given: str = "", environment: Mapping[str, str] | None = None) -> str:
    """Run a script of tests/peers to its end; answer what it printed. Raises `CalledProcessError`."""
    done = subprocess.run(
        [_node(), script, *arguments],
        input=given,
        env=_environment(environment),
        cwd=PEERS,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    return done.stdout


def converse(script: Path, argument: str, answer: Callable[[dict[str, Any]], str]) -> dict[str, Any]:
    """Run a script of tests/peers that asks meanwhile, and is answered line by line; `done` of its last line."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [_node(), script, argument],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=_environment(None),
            cwd=PEERS,
        )
        late = threading.Timer(PATIENCE, process.kill)
        late.start()
        with process:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    told: dict[str, Any] = json.loads(line)
                    if "done" in told:
                        done: dict[str, Any] = told["done"]
                        return done
                    process.stdin.write(answer(told).encode() + b"\n")
                    process.stdin.flush()
            finally:
                late.cancel()
                stop(process)
        log.seek(0)
        raise NotReady(log.read().decode())


@contextmanager
def node_peer(script: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
    """Keep a script of tests/peers running; yield the JSON object it printed when it was ready."""
    with tempfile.TemporaryDirectory(prefix="peer-") as name:
        log, output = Path(name, "log"), Path(name, "output")
        process = start(
            [_node(), script, *arguments],
            log=log,
            output=output,
            environment=_environment(environment),
            folder=PEERS,
        )
        try:
            wait_until_ready(process, lambda: b"\n" in output.read_bytes(), log)
            announced: dict[str, Any] = json.loads(output.read_bytes().splitlines()[0])
            yield announced
        finally:
            stop(process)


def _node() -> Path:
    return require_node(find_node(), continuous_integration=os.environ.get("CI") == "true")


def _environment(added: Mapping[str, str] | None) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "NODE_ENV": "test", **(added or {})}
