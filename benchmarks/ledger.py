"""`python -m benchmarks.ledger`: what its event adds to a sign-in's write, alone and with the chain laid over it.

Refuses to compare what did not happen in the same seconds: with and without take turns, the order alternated.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.databases import durable_postgres
from broker.domain import changes as c
from broker.domain.changes import Change
from broker.domain.ids import AttemptId, GrantId, SessionId
from broker.flows.ledger.chain import chain
from broker.storage.migrate import migrate
from broker.storage.store import SqlStore
from tests.fakes.clock import SettableClock
from tests.storage import world as w

KEPT_IN = Path(__file__).parent.parent / "artefacts" / "bench"
GOAL = 1.10
WITHOUT, WITH, CHAINED = "without its event", "with its event", "with its event, chained"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Milliseconds of a write, and the ratio to the same without an event."""

    database: str
    what: str
    milliseconds: float
    ratio: float

    @property
    def met(self) -> bool:
        """Whether the event keeps within its goal."""
        return self.ratio <= GOAL


class _SignIns:
    """Writes of a User who comes back, one after another."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._generation = w.connection().generation

    def next(self) -> tuple[Change, ...]:
        """All that `finish` writes, but for the line of the ledger."""
        number, generation = next(self._numbers), self._generation
        self._generation += 1
        session = replace(w.session(), id=SessionId(f"ses_{number}"), secret=w.hashed(f"session {number}"))
        grant = replace(w.grant(), id=GrantId(f"gnt_{number}"), code=w.hashed(f"code {number}"), session_id=session.id)
        connection = replace(w.connection(), generation=self._generation)
        return (
            c.TakeAttempt(attempt_id=AttemptId(f"att_{number}"), expires_at=w.NOW),
            c.ReplaceConnection(connection=connection, expected_generation=generation),
            c.AddSession(session=session),
            c.AddGrant(grant=grant),
        )


async def measured(url: str, database: str, *, pairs: int, writes: int) -> list[Finding]:
    """Each kind has a round in turn; the median of the rounds, and of their ratios."""
    await migrate(url)
    rounds: dict[str, list[float]] = {WITHOUT: [], WITH: [], CHAINED: []}
    async with SqlStore(url) as store:
        await store.write(
            c.AddUser(user=w.user()),
            c.AddDataKey(key=w.data_key()),
            c.AddIdentity(identity=w.identity()),
            c.AddConnection(connection=w.connection()),
            c.PutApplication(application=w.application()),
        )
        sign_ins = _SignIns()
        for number in range(pairs + 1):
            for kind in _in_turn(list(rounds), number):
                took = await _round(store, sign_ins, kind, writes)
                if number:  # the first one only warms up
                    rounds[kind].append(took)
    return [
        Finding(
            database=database,
            what=kind,
            milliseconds=statistics.median(times),
            ratio=statistics.median(a / b for a, b in zip(times, rounds[WITHOUT], strict=True)),
        )
        for kind, times in rounds.items()
    ]


async def _round(store: SqlStore, sign_ins: _SignIns, kind: str, writes: int) -> float:
    """Milliseconds of one write."""
    line = () if kind == WITHOUT else (c.Record(event=w.event("sign_in.finish")),)
    begun = time.perf_counter()
    for _ in range(writes):
        await store.write(*sign_ins.next(), *line)
    if kind == CHAINED:
        await chain(store, SettableClock(w.NOW), holder="bench")
    took = (time.perf_counter() - begun) / writes * 1e3
    if kind == WITH:  # not to be chained in somebody else's time
        await chain(store, SettableClock(w.NOW), holder="bench")
    return took


def _in_turn(kinds: Sequence[str], number: int) -> Iterator[str]:
    return iter(kinds if number % 2 == 0 else kinds[::-1])


def table(findings: Sequence[Finding]) -> str:
    """As Markdown."""
    lines = ["| a sign-in's write | | | against without | goal | |", "|---|---|---|---|---|---|"]
    for one in findings:
        goal = "" if one.what == WITHOUT else f"{GOAL:.2f}"
        verdict = "" if one.what == WITHOUT else "met" if one.met else "MISSED"
        lines.append(
            f"| {one.database} | {one.what} | {one.milliseconds:.3f} ms | {one.ratio:.3f} | {goal} | {verdict} |"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Exit code 0: measured. A missed goal is a finding, not an error."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ledger", description="What the ledger adds.")
    parser.add_argument("--quick", action="store_true", help="five rounds of 150 writes instead of fifteen of 400")
    asked, _ = parser.parse_known_args(arguments)
    pairs, writes = (5, 150) if asked.quick else (15, 400)
    findings: list[Finding] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ledger-", dir="/var/tmp")))
        sqlite = f"sqlite:///{folder / 'broker.sqlite'}"
        findings += asyncio.run(measured(sqlite, "SQLite", pairs=pairs, writes=writes))
        postgres = stack.enter_context(durable_postgres())
        findings += asyncio.run(measured(postgres.url, "PostgreSQL", pairs=pairs, writes=writes))
    KEPT_IN.mkdir(parents=True, exist_ok=True)
    kept: list[dict[str, Any]] = [asdict(one) | {"met": one.met} for one in findings]
    path = KEPT_IN / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-ledger.json"
    path.write_text(json.dumps(kept, indent=1) + "\n")
    print(table(findings))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
