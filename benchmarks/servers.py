"""The servers of a run: each system under measurement alone on one core, the upstream on the other with the driver.

Refuses machines with a single core. Ends what it started, by process id, and nothing else.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import jwt

from benchmarks.deployment import ROOT, Deployment
from benchmarks.readings import Cores, resident, worked
from benchmarks.wire import LOOPBACK
from benchmarks.worker import REDIRECT_URI, Place
from tests.servers.node import find_node
from tests.servers.port import free_port
from tests.servers.process import NotReady, start, stop, wait_until_ready

HERE = Path(__file__).parent
DISCOVERY = "/.well-known/openid-configuration"
JWKS = "/.well-known/jwks.json"
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
def broker(cores: Cores, deployment: Deployment, *, port: int | None = None) -> Iterator[Server]:
    """Our broker as an operator starts it; at a `port` of its own where it is a further process of the deployment."""
    port = port or int(deployment.url.rpartition(":")[2])
    command = [sys.executable, "-m", "broker", "serve", *deployment.arguments, "--port", str(port)]
    with _running(command, url=f"http://{LOOPBACK}:{port}", core=cores.server) as server:
        yield server


@contextmanager
def oidc_provider(cores: Cores, redis_url: str, upstream_url: str) -> Iterator[Server]:
    """The peer: oidc-provider brokered by openid-client."""
    with _on_node("oidc_broker.mjs", cores, upstream_url, redis_url) as server:
        yield server


@contextmanager
def better_auth(cores: Cores, database_url: str, upstream_url: str) -> Iterator[Server]:
    """The other peer: Better Auth on both sides. It makes its tables itself."""
    with _on_node("better_auth_broker.mjs", cores, upstream_url, database_url) as server:
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


def place_of(server: Server, *, copy: bool = False) -> Place:
    """What its metadata says. A `copy` has the words of another, so only its documents can be asked for."""
    metadata = json.loads(fetch(server.url, DISCOVERY)[2])
    jwks_url = f"{server.url}{JWKS}" if copy else metadata["jwks_uri"]
    jwks = fetch(server.url, jwks_url.removeprefix(server.url))[2]
    return Place(
        issuer=metadata["issuer"],
        discovery_url=f"{server.url}{DISCOVERY}",
        jwks_url=jwks_url,
        authorize_url=metadata["authorization_endpoint"],
        token_url=metadata["token_endpoint"],
        userinfo_url=metadata["userinfo_endpoint"],
        introspection_url=metadata["introspection_endpoint"],
        jwks=jwt.PyJWKSet.from_json(jwks.decode()),
    )


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
def _on_node(script: str, cores: Cores, upstream_url: str, storage_url: str) -> Iterator[Server]:
    node = find_node()
    if node is None or not (HERE / "peers" / "node_modules").is_dir():
        raise NotReady("Node or the peers' packages are missing: run benchmarks/install")
    port = free_port()
    command: list[str | Path] = [node, HERE / "peers" / script, str(port), upstream_url, storage_url, REDIRECT_URI]
    url = f"http://{LOOPBACK}:{port}"
    with _running(command, url=url, core=cores.server, environment={"NODE_ENV": "production"}) as server:
        yield server


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
