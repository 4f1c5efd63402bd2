"""The servers of a run: each system under measurement alone on one core, the upstream on the other with the driver.

Refuses machines with a single core. Ends what it started, by process id, and nothing else.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.readings import Cores, resident, worked
from benchmarks.scenarios import APPLICATION_ID, APPLICATION_SECRET, PUBLIC_APPLICATION_ID, REDIRECT_URI
from benchmarks.upstream import APPLICATION_ID as UPSTREAM_APPLICATION_ID
from benchmarks.upstream import APPLICATION_SECRET as UPSTREAM_APPLICATION_SECRET
from benchmarks.upstream import EMAIL_DOMAIN, email
from benchmarks.wire import LOOPBACK
from tests.servers.node import find_node
from tests.servers.port import free_port
from tests.servers.process import NotReady, start, stop, wait_until_ready

HERE = Path(__file__).parent
ROOT = HERE.parent
DISCOVERY = "/.well-known/openid-configuration"
STARTS = 3
SETTLE = 1.0
"""Seconds between the first answer and the look at what is held in memory."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """A process that answers at `url`.

    `started_ms`: from its beginning to its first discovery document, `start_cpu_ms` the processor time of it; medians.
    `idle_mib`: what it held in memory a moment later.
    """

    url: str
    process_id: int
    started_ms: float
    start_cpu_ms: float
    idle_mib: float


def take_cores() -> Cores:
    """Choose two cores, and move this process and all that it starts to the second. Raises `NotReady`."""
    ours = sorted(os.sched_getaffinity(0))
    if len(ours) < 2 or shutil.which("taskset") is None:
        raise NotReady("the benchmarks need two cores, and taskset of util-linux")
    cores = Cores(server=ours[0], load=ours[1])
    os.sched_setaffinity(0, {cores.load})
    return cores


@contextmanager
def upstream(people: int) -> Iterator[Server]:
    """The Provider that everybody signs in with, on the driver's core."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.upstream", str(port), str(people)]
    with _running(command, url=f"http://localhost:{port}") as server:
        yield server


@contextmanager
def broker(cores: Cores, database_url: str | None, upstream_url: str, people: int) -> Iterator[Server]:
    """Our broker as an operator starts it, its settings as shipped. `database_url` None: SQLite beside its settings."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/var/tmp") as name:
        folder, url = Path(name), f"http://{LOOPBACK}:{free_port()}"
        _write_settings(folder, url, database_url, upstream_url, people)
        settings = ["--config", str(folder / "broker.toml")]
        _run(["migrate", *settings])
        _run(["apply", str(folder / "clients.toml"), *settings])
        command = [sys.executable, "-m", "broker", "serve", *settings, "--port", url.rpartition(":")[2]]
        with _running(command, url=url, core=cores.server) as server:
            yield server


@contextmanager
def oidc_provider(cores: Cores, redis_url: str, upstream_url: str) -> Iterator[Server]:
    """The peer: oidc-provider brokered by openid-client."""
    node = find_node()
    if node is None or not (HERE / "peers" / "node_modules").is_dir():
        raise NotReady("Node or the peers' packages are missing: run benchmarks/install")
    port = free_port()
    command: list[str | Path] = [
        node,
        HERE / "peers" / "oidc_broker.mjs",
        str(port),
        upstream_url,
        redis_url,
        REDIRECT_URI,
    ]
    url = f"http://{LOOPBACK}:{port}"
    environment = {"NODE_ENV": "production"}
    with _running(command, url=url, core=cores.server, environment=environment) as server:
        yield server


@contextmanager
def bare_starlette(cores: Cores, ours: Server, paths: Sequence[str]) -> Iterator[Server]:
    """The ceiling: what our broker answers at `paths`, from constant Starlette routes behind the same uvicorn."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        documents = Path(name, "documents.json")
        documents.write_text(json.dumps({path: _recorded(ours.url, path) for path in paths}))
        port = free_port()
        command = [sys.executable, "-m", "benchmarks.peers.bare_starlette", str(port), str(documents)]
        with _running(command, url=f"http://{LOOPBACK}:{port}", core=cores.server) as server:
            yield server


def fetch(url: str, path: str) -> tuple[int, Mapping[str, str], bytes]:
    """One GET: status, headers in lower case, body. Raises `OSError`."""
    connection = http.client.HTTPConnection(LOOPBACK, int(url.rpartition(":")[2]), timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()


@contextmanager
def _running(
    command: Sequence[str | Path],
    *,
    url: str,
    core: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Start it several times, for the time that takes, and keep the last one running."""
    pinned: list[str | Path] = [*(() if core is None else ("taskset", "--cpu-list", str(core))), *command]
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        log = Path(name, "log")
        times: list[float] = []
        efforts: list[float] = []
        for number in range(STARTS):
            began = time.perf_counter()
            process = start(pinned, log=log, environment={**os.environ, **(environment or {})}, folder=ROOT)
            wait_until_ready(process, lambda: _answers(url), log)
            times.append((time.perf_counter() - began) * 1000)
            efforts.append(worked(process.pid) * 1000)
            if number < STARTS - 1:
                stop(process)
        try:
            time.sleep(SETTLE)
            yield Server(
                url=url,
                process_id=process.pid,
                started_ms=statistics.median(times),
                start_cpu_ms=statistics.median(efforts),
                idle_mib=resident(process.pid),
            )
        finally:
            stop(process)


def _answers(url: str) -> bool:
    try:
        return fetch(url, DISCOVERY)[0] == 200
    except OSError:
        return False


def _recorded(url: str, path: str) -> dict[str, object]:
    status, headers, body = fetch(url, path)
    if status != 200:
        raise NotReady(f"{path} answers {status}")
    return {"headers": dict(headers), "body": body.decode()}


def _run(arguments: Sequence[str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "broker", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise NotReady(f"broker {arguments[0]}: {done.stderr}")
    return done.stdout


def _write_settings(folder: Path, url: str, database_url: str | None, upstream_url: str, people: int) -> None:
    """As a small real deployment has them: one Client whose people are invited, one first-party Application."""
    (folder / "keyring.json").write_text(_run(["keys", "new"]))
    (folder / "upstream_secret").write_text(UPSTREAM_APPLICATION_SECRET)
    (folder / "application_secret").write_text(APPLICATION_SECRET)
    (folder / "broker.toml").write_text(
        f"""[broker]
issuer = "{url}"
database_url = "{database_url or "sqlite:///broker.sqlite"}"
policy = "policy.toml"
keyring = {{ file = "{folder / "keyring.json"}" }}
allow_private_addresses = ["127.0.0.0/8", "::1/128"]

[registrations.upstream]
provider = "oidc"
issuer = "{upstream_url}"
client_id = "{UPSTREAM_APPLICATION_ID}"
client_secret = {{ file = "{folder / "upstream_secret"}" }}
trusted_email_domains = ["{EMAIL_DOMAIN}"]
"""
    )
    (folder / "policy.toml").write_text(
        """[upstream.keep]
email = "Where notices go"
name = "What colleagues read"

[upstream.release]
email = "How services address the User"
"""
    )
    invitations = "".join(
        f'[[clients.acme.authorizations]]\nuser = "{email(person)}"\nrights = ["reports:read"]\n\n'
        for person in range(people)
    )
    (folder / "clients.toml").write_text(
        f"""[clients.acme]
name = "Acme Inc."
rights = ["reports:read", "reports:write"]

{invitations}[applications.{APPLICATION_ID}]
name = "Bench"
type = "confidential"
secret = {{ file = "{folder / "application_secret"}" }}
redirect_uris = ["{REDIRECT_URI}"]
audience = "http://{LOOPBACK}:9998"
first_party = true

[applications.{PUBLIC_APPLICATION_ID}]
name = "Bench, public"
type = "public"
redirect_uris = ["{REDIRECT_URI}"]
audience = "http://{LOOPBACK}:9998"
first_party = true
"""
    )
