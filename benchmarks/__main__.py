"""`python -m benchmarks`: starts every system, measures them side by side, and says what was met.

Refuses to run for long without being asked to: rounds, seconds and workers are bounded.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import jwt
import orjson
import uvloop
from redis import Redis

from benchmarks import report, rounds, servers
from benchmarks.databases import durable_postgres
from benchmarks.driver import Load
from benchmarks.readings import Cores
from benchmarks.rounds import BARE, PEER, POSTGRESQL, SQLITE, Plan, System
from benchmarks.scenarios import SCENARIOS, Place
from benchmarks.wire import Broken
from tests.servers.process import NotReady
from tests.servers.redis import redis_server

KEPT_IN = Path(__file__).parent.parent / "artefacts" / "bench"
PEOPLE = 1000
JWKS = "/.well-known/jwks.json"


def main(arguments: Sequence[str]) -> int:
    """Exit code: 0 measured, 1 not, or with errors. A missed goal is a finding, not an error."""
    plan = _plan(arguments)
    try:
        with _systems(cores := servers.take_cores()) as (systems, helpers):
            findings = uvloop.run(rounds.run(plan, systems, cores, helpers, _say))
    except (NotReady, Broken) as error:
        _say(f"not measured: {error}")
        return 1
    path = report.write(KEPT_IN, plan, findings, systems)
    print(report.tables(findings, systems))
    _say(f"kept in {path}")
    return 1 if findings.errors else 0


@contextmanager
def _systems(cores: Cores) -> Iterator[tuple[dict[str, System], list[int]]]:
    """Every contestant, and the processes that share the driver's core. Raises `NotReady`."""
    with ExitStack() as stack:
        _say("starting the upstream, PostgreSQL, Redis and four servers, each of them three times")
        upstream = stack.enter_context(servers.upstream(PEOPLE))
        postgres = stack.enter_context(durable_postgres())
        redis = stack.enter_context(redis_server())
        on_postgres = stack.enter_context(servers.broker(cores, postgres.url, upstream.url, PEOPLE))
        on_sqlite = stack.enter_context(servers.broker(cores, None, upstream.url, PEOPLE))
        peer = stack.enter_context(servers.oidc_provider(cores, redis.url, upstream.url))
        bare = stack.enter_context(servers.bare_starlette(cores, on_postgres, (servers.DISCOVERY, JWKS)))
        found = {POSTGRESQL: on_postgres, SQLITE: on_sqlite, PEER: peer, BARE: bare}
        systems = {
            name: System(name=name, server=server, place=_place(server, copy=name == BARE))
            for name, server in found.items()
        }
        with Redis.from_url(redis.url) as connection:
            redis_process = int(connection.info("server")["process_id"])
        yield systems, [upstream.process_id, postgres.process_id, redis_process]


def _place(server: servers.Server, *, copy: bool) -> Place:
    """What its metadata says. A `copy` has the words of another, so only its documents can be asked for."""
    discovery_url = f"{server.url}{servers.DISCOVERY}"
    metadata = orjson.loads(servers.fetch(server.url, servers.DISCOVERY)[2])
    jwks_url = f"{server.url}{JWKS}" if copy else metadata["jwks_uri"]
    jwks = servers.fetch(server.url, jwks_url.removeprefix(server.url))[2]
    return Place(
        issuer=metadata["issuer"],
        discovery_url=discovery_url,
        jwks_url=jwks_url,
        authorize_url=metadata["authorization_endpoint"],
        token_url=metadata["token_endpoint"],
        jwks=jwt.PyJWKSet.from_json(jwks.decode()),
    )


def _plan(arguments: Sequence[str]) -> Plan:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="The broker beside its peers.")
    parser.add_argument("--quick", action="store_true", help="three rounds of 2 s instead of five of 5 s")
    parser.add_argument("--pairs", type=int, help="rounds; in each of them every system has one window")
    parser.add_argument("--seconds", type=float, help="length of a window")
    parser.add_argument("--workers", type=int, default=16, help="how many work side by side (16)")
    parser.add_argument("--only", default=",".join(SCENARIOS), help=f"out of {', '.join(SCENARIOS)}")
    parser.add_argument(
        "--patience", type=int, default=0, help="how often a round may be run anew when others were at work (0)"
    )
    asked = parser.parse_args(arguments)
    pairs = asked.pairs or (3 if asked.quick else 5)
    seconds = asked.seconds or (2.0 if asked.quick else 5.0)
    scenarios = asked.only.split(",")
    bounded = 1 <= pairs <= 30 and 0.5 <= seconds <= 30 and 1 <= asked.workers <= 64 and 0 <= asked.patience <= 100
    if not bounded:
        parser.error("at most 30 rounds of 0.5 to 30 s, 64 workers, a patience of 100")
    if unknown := set(scenarios) - SCENARIOS.keys():
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    return Plan(
        scenarios=scenarios,
        load=Load(workers=asked.workers, seconds=seconds),
        pairs=pairs,
        patience=asked.patience,
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
