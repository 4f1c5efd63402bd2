"""Owns how several Changes travel: side by side in one PostgreSQL statement, wherever that means the same.

Refuses what would not: there each statement must see what the one before it did, and a transaction is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from operator import attrgetter
from typing import Any

import orjson
from sqlalchemy.engine import Dialect

from broker.domain.changes import Change
from broker.storage.driver_sql import DriverSql, driver_sql
from broker.storage.writes import WRITES, Kind

LONGEST = 16
"""Changes in one statement. More come from an operator's file, where a transaction does as well."""
LOST_RACE = "BR409"
"""SQLSTATE of what `lost_race()`, a function that a migration makes, raises; its message is the Change's name."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Step:
    """A kind of Change for one database. `values` reads the parameters of `sql` from a Change, in their order."""

    name: str
    table: str
    kind: Kind
    sql: DriverSql
    values: Callable[[Change], Sequence[Any]]
    touches_one_row: bool


def steps_for(dialect: Dialect) -> dict[type[Change], Step]:
    """Compile the whole table of writes."""
    steps = {}
    for change, write in WRITES.items():
        sql = driver_sql(write.statement, dialect)
        steps[change] = Step(
            name=change.__name__,
            table=write.table,
            kind=write.kind,
            sql=sql,
            values=_values(sql.names),
            touches_one_row=write.touches_one_row,
        )
    return steps


def one_statement(steps: tuple[Step, ...]) -> str | None:
    """All steps as one statement for PostgreSQL, or None where that would not mean the same.

    The checks stand in the order of the Changes, and PostgreSQL runs the parts as the checks ask for them.
    """
    if len(steps) > LONGEST or not _mean_the_same_at_once(steps):
        return None
    parts, checks, parameters = [], [], 0
    for number, step in enumerate(steps):
        part = step.sql.text_after(parameters)
        parameters += len(step.sql.names)
        if step.touches_one_row:
            part += " RETURNING 1"
            checks.append(f"CASE (SELECT count(*) FROM w{number}) WHEN 1 THEN 1 ELSE lost_race('{step.name}') END")  # noqa: S608
        parts.append(f"w{number} AS ({part})")
    return f"WITH {', '.join(parts)} SELECT {', '.join(checks) or '1'}"


def _mean_the_same_at_once(steps: tuple[Step, ...]) -> bool:
    """Whether no statement could notice that those before it have not happened yet.

    PostgreSQL runs the parts of one statement on one snapshot (its manual, section 7.8.4): none sees another's effects,
    and a row is changed by one of them at most. Keys that refer to other tables are checked when all is done.
    """
    if any(step.kind is Kind.REMOVE for step in steps):
        return len(steps) == 1
    return all(a.table != b.table or _never_meet(a, b) for a, b in combinations(steps, 2))


def _never_meet(a: Step, b: Step) -> bool:
    """In one table: a new row is nothing to what came before it; using a row up twice fails either way."""
    if b.kind is Kind.ADD:
        return a.kind is not Kind.PUT
    return a is b and b.kind is Kind.USE_UP


def _values(names: tuple[str, ...]) -> Callable[[Change], Sequence[Any]]:
    read = attrgetter(*names)
    if len(names) == 1:
        return lambda change: (read(change),)
    return lambda change: [_plain(value) for value in read(change)]


def _plain(value: Any) -> Any:
    """What drivers take: a set or a list as JSON text, a set in order, so that equal sets are equal text."""
    if isinstance(value, frozenset):
        return orjson.dumps(sorted(value)).decode()
    return orjson.dumps(value).decode() if isinstance(value, tuple) else value
