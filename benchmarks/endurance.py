"""`python -m benchmarks.endurance`: what long work, many Users and a second process do to the broker.

Refuses to call two processes on one core two cores: of them, the processor time of an operation is compared.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import uvloop

from benchmarks import crowd, memory, report, rounds, servers
from benchmarks import plan as plans
from benchmarks.databases import DurablePostgres, durable_postgres
from benchmarks.deployment import Deployment, deployed
from benchmarks.driver import Watched
from benchmarks.plan import Plan
from benchmarks.readings import Cores
from benchmarks.rounds import Comparison, Findings, System
from benchmarks.scenarios import SCENARIOS
from benchmarks.servers import Server
from benchmarks.wire import Broken, split
from tests.servers.port import free_port
from tests.servers.process import NotReady

KEPT_IN = Path(__file__).parent.parent / "artefacts" / "bench"
FEW, MANY = 1_000, 100_000
MIXED, REFRESHES, EVERY, WARM = 100_000, 200_000, 10_000, 20_000
MIXED_MIB = 25.0
FLAT_MIB = 1.0
"""What 100,000 refreshes may add once all is warm: less than this cannot be told from what the allocator does."""
GROWTH = 0.9
PROCESSES = 1.7
COMPARED = ("refresh", "userinfo", "sign_in")
ONE, TWO = "one process", "two processes"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """What every part uses."""

    plan: Plan
    cores: Cores
    upstream: Server
    postgres: DurablePostgres

    @contextmanager
    def deployed(self, database: str) -> Iterator[Deployment]:
        """A deployment on a database of its own, where as many are invited as there are people upstream."""
        with deployed(self.postgres.new_database(database), self.upstream.url, FEW) as deployment:
            yield deployment

    def watched(self, server: Server) -> Watched:
        """A broker, PostgreSQL among its helpers."""
        return Watched(servers=[server.process_id], helpers=self.helpers, cores=self.cores)

    @property
    def helpers(self) -> Sequence[int]:
        """What shares the driver's core."""
        return [self.upstream.process_id, self.postgres.process_id]


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """What one part found: rows for the table of goals, further text, all of it for JSON, and how many errors."""

    rows: Sequence[Sequence[str]]
    text: str
    found: Mapping[str, object]
    errors: int


def held(stage: Stage) -> Part:
    """What one broker process holds after mixed operations, and whether refreshing adds to it."""
    tenth = 10 if stage.plan.quick else 1
    every = EVERY // tenth
    with stage.deployed("memory") as deployment, servers.broker(stage.cores, deployment) as server:
        place, watched = servers.place_of(server), stage.watched(server)

        async def run() -> tuple[memory.Series, memory.Series]:
            # Everybody, so that what is remembered of a User does not make the slope.
            await crowd.sign_up(place, FEW, watched)
            mixed = await memory.series(
                place, memory.mixed(), watched, start=server.idle_mib, many=MIXED // tenth, every=every, say=_say
            )
            refreshes = await memory.series(
                place,
                SCENARIOS["refresh"],
                watched,
                start=mixed.mib[-1],
                many=REFRESHES // tenth,
                every=every,
                say=_say,
            )
            return mixed, refreshes

        mixed, refreshes = uvloop.run(run())
    slope = refreshes.slope(after=WARM // tenth, of=100_000)
    rows = [
        (f"memory, growth over {MIXED // tenth:,} mixed operations", "idle", f"at most {MIXED_MIB:.0f} MiB",
         f"{mixed.growth:.1f} MiB", "-", "-", _whole(stage, mixed.growth <= MIXED_MIB)),
        (f"memory, slope over {REFRESHES // tenth:,} refreshes after the first {WARM // tenth:,}", "-",
         f"at most {FLAT_MIB:.0f} MiB for 100,000", f"{slope:+.2f} MiB", "-", "-", _whole(stage, slope <= FLAT_MIB)),
    ]  # fmt: skip
    return Part(
        rows=rows,
        text="\n\n".join((_told("mixed", mixed), _told("refresh", refreshes))),
        found={"mixed": dataclasses.asdict(mixed), "refreshes": dataclasses.asdict(refreshes), "slope": slope},
        errors=mixed.errors + refreshes.errors,
    )


def growth(stage: Stage) -> Part:
    """The same work beside a hundred times as many Users. CPU is the broker's and the database's together."""
    users = MANY // 10 if stage.plan.quick else MANY
    few, many = f"{FEW:,} Users", f"{users:,} Users"
    with ExitStack() as stack:
        systems = {}
        for name, database, number in ((few, "few", FEW), (many, "many", users)):
            deployment = stack.enter_context(stage.deployed(database))
            server = stack.enter_context(servers.broker(stage.cores, deployment))
            place = servers.place_of(server)
            _say(f"{name} in a database of their own")
            uvloop.run(crowd.sign_up(place, FEW, stage.watched(server)))
            crowd.fill(stage.postgres, database, number)
            systems[name] = System(name=name, server=server, place=place, beside=[stage.postgres.process_id])
        comparisons = [Comparison(scenario=one, system=many, against=few, goal=GROWTH) for one in COMPARED]
        findings = _rounds(stage, systems, comparisons, [stage.upstream.process_id])
    return _compared(stage, findings, [report.outcome_row(one) for one in findings.outcomes])


def processes(stage: Stage) -> Part:
    """Two processes at one database, requests going to them in turn, beside one of the two."""
    with ExitStack() as stack:
        deployment = stack.enter_context(stage.deployed("processes"))
        first = stack.enter_context(servers.broker(stage.cores, deployment))
        second = stack.enter_context(servers.broker(stage.cores, deployment, port=free_port()))
        place = servers.place_of(first)
        both = replace(place, processes=[split(one.url)[0] for one in (first, second)])
        systems = {
            ONE: System(name=ONE, server=first, place=place),
            TWO: System(name=TWO, server=first, place=both, beside=[second.process_id]),
        }
        comparisons = [Comparison(scenario=one, system=TWO, against=ONE) for one in COMPARED]
        findings = _rounds(stage, systems, comparisons, stage.helpers)
    rows = [
        (f"{SCENARIOS[one.comparison.scenario].told}, {TWO}: twice the ratio of CPU", ONE, f"{PROCESSES:.2f}", "-",
         f"2 x {one.cpu:.2f} = {2 * one.cpu:.2f}", "CPU", report.verdict(2 * one.cpu >= PROCESSES))
        for one in findings.outcomes
    ]  # fmt: skip
    told = (
        "Both processes shared one core, as the driver and the database had the other. What two cores would do is "
        "worked out from the processor time of an operation, as if nothing else kept them waiting."
    )
    part = _compared(stage, findings, rows)
    return replace(part, text=f"{told}\n\n{part.text}")


PARTS: Mapping[str, Callable[[Stage], Part]] = {"memory": held, "growth": growth, "processes": processes}


def main(arguments: Sequence[str]) -> int:
    """Exit code: 0 measured, 1 not, or with errors. A missed goal is a finding, not an error."""
    plan = plans.parse("python -m benchmarks.endurance", "Long work, many Users, a second process.", PARTS, arguments)
    try:
        cores = servers.take_cores()
        with servers.upstream(FEW) as upstream, durable_postgres() as postgres:
            stage = Stage(plan=plan, cores=cores, upstream=upstream, postgres=postgres)
            parts = {name: PARTS[name](stage) for name in plan.only}
    except (NotReady, Broken) as error:
        _say(f"not measured: {error}")
        return 1
    errors = sum(part.errors for part in parts.values())
    rows = [*(row for part in parts.values() for row in part.rows)]
    rows.append(("errors", "-", "0", str(errors), "-", "-", report.verdict(errors == 0)))
    text = "\n\n".join((report.table(report.OUTCOME_HEAD, rows), *(part.text for part in parts.values())))
    found = {"plan": dataclasses.asdict(plan), **{name: part.found for name, part in parts.items()}}
    path = report.keep(KEPT_IN, "-endurance", found, text)
    print(text)
    _say(f"kept in {path}")
    return 1 if errors else 0


def _rounds(
    stage: Stage, systems: Mapping[str, System], comparisons: Sequence[Comparison], helpers: Sequence[int]
) -> Findings:
    plan = replace(stage.plan, only=COMPARED)
    return uvloop.run(rounds.run(plan, systems, stage.cores, helpers, _say, comparisons))


def _compared(stage: Stage, findings: Findings, rows: Sequence[Sequence[str]]) -> Part:
    return Part(
        rows=rows,
        text=report.figures(findings),
        found=report.document(stage.plan, findings),
        errors=findings.errors,
    )


def _whole(stage: Stage, met: bool) -> str:
    """A tenth of the operations proves nothing."""
    return report.verdict(None if stage.plan.quick else met)


def _told(name: str, series: memory.Series) -> str:
    return f"MiB after every {series.every:,} operations, {name}: {', '.join(f'{mib:.1f}' for mib in series.mib)}"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
