"""`python -m benchmarks`: starts every system, measures them side by side, and says what was met.

Refuses to call a run with errors measured.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import uvloop
from redis import Redis

from benchmarks import plan as plans
from benchmarks import report, rounds, servers
from benchmarks.databases import durable_postgres
from benchmarks.deployment import deployed
from benchmarks.readings import Cores
from benchmarks.rounds import BARE, OTHER_PEER, PEER, POSTGRESQL, SQLITE, System
from benchmarks.scenarios import SCENARIOS
from benchmarks.wire import Broken
from tests.servers.process import NotReady
from tests.servers.redis import redis_server

KEPT_IN = Path(__file__).parent.parent / "artefacts" / "bench"
PEOPLE = 1000


def main(arguments: Sequence[str]) -> int:
    """Exit code: 0 measured, 1 not, or with errors. A missed goal is a finding, not an error."""
    plan = plans.parse("python -m benchmarks", "The broker beside its peers.", SCENARIOS, arguments)
    try:
        with _systems(cores := servers.take_cores()) as (systems, helpers):
            findings = uvloop.run(rounds.run(plan, systems, cores, helpers, _say))
    except (NotReady, Broken) as error:
        _say(f"not measured: {error}")
        return 1
    path = report.write(KEPT_IN, plan, findings, systems)
    print(report.tables(plan, findings, systems))
    _say(f"kept in {path}")
    return 1 if findings.errors else 0


@contextmanager
def _systems(cores: Cores) -> Iterator[tuple[dict[str, System], list[int]]]:
    """Every contestant, and the processes that share the driver's core. Raises `NotReady`."""
    with ExitStack() as stack:
        _say("starting the upstream, PostgreSQL, Redis and five servers, each of them three times")
        upstream = stack.enter_context(servers.upstream(PEOPLE))
        postgres = stack.enter_context(durable_postgres())
        redis = stack.enter_context(redis_server())
        on_postgres, on_sqlite = (
            stack.enter_context(servers.broker(cores, stack.enter_context(deployed(url, upstream.url, PEOPLE))))
            for url in (postgres.url, None)
        )
        peer = stack.enter_context(servers.oidc_provider(cores, redis.url, upstream.url))
        other = stack.enter_context(servers.better_auth(cores, postgres.new_database("better_auth"), upstream.url))
        bare = stack.enter_context(servers.bare_starlette(cores, on_postgres, (servers.DISCOVERY, servers.JWKS)))
        found = {POSTGRESQL: on_postgres, SQLITE: on_sqlite, PEER: peer, OTHER_PEER: other, BARE: bare}
        systems = {
            name: System(name=name, server=server, place=servers.place_of(server, copy=name == BARE))
            for name, server in found.items()
        }
        with Redis.from_url(redis.url) as connection:
            redis_process = int(connection.info("server")["process_id"])
        yield systems, [upstream.process_id, postgres.process_id, redis_process]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
