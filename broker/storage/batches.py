"""Owns how several Changes travel: side by side in one PostgreSQL statement, wherever that means the same.

Refuses what would not: there each statement must see what the one before it did, and a transaction is needed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import combinations, groupby
from operator import attrgetter, itemgetter
from typing import Any

import orjson
from sqlalchemy.engine import Dialect

from broker.domain.changes import Change
from broker.storage import logouts
from broker.storage.driver_sql import DriverSql, driver_sql
from broker.storage.kinds import Kind
from broker.storage.notices import TELLINGS, ChangesRights, Ends, GivesRights, one_after_another, side_by_side
from broker.storage.tables import users
from broker.storage.writes import WRITES

LONGEST = 16
"""Changes in one statement. More come from an operator's file, where a transaction does as well."""
STATEMENTS_KEPT = 256
"""Combinations of Changes whose one statement is remembered; flows make a few dozen."""
LOST_RACE = "BR409"
"""SQLSTATE of what `lost_race()`, a function that a migration makes, raises; its message is the Change's name."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Step:
    """A kind of Change for one database: its own statement and those that travel with it, each under its letter.

    `values` reads the parameters of them all from a Change, in their order. `own` is the letter of the Change's own;
    `touches_epochs` whether another one lets Users' epochs grow; `reads` are the tables that another one looks at.
    """

    name: str
    table: str
    kind: Kind
    parts: tuple[tuple[str, DriverSql], ...]
    own: str
    values: Callable[[Change], Sequence[Any]]
    touches_one_row: bool
    touches_epochs: bool
    reads: frozenset[str]


@cache
def steps_for(dialect: Dialect) -> Mapping[type[Change], Step]:
    """Compile the whole table of writes, once in a process."""
    parts_of = side_by_side if dialect.name == "postgresql" else one_after_another
    steps = {}
    for change, write in WRITES.items():
        telling = TELLINGS[change]
        parts = tuple((letter, driver_sql(part, dialect)) for letter, part in parts_of(telling, write.statement))
        letters = {letter for letter, _ in parts}
        steps[change] = Step(
            name=change.__name__,
            table=write.table,
            kind=write.kind,
            parts=parts,
            own=next(letter for letter in "whe" if letter in letters),
            values=_values(tuple(name for _, sql in parts for name in sql.names)),
            touches_one_row=write.touches_one_row,
            touches_epochs=isinstance(telling, GivesRights | ChangesRights),
            reads=logouts.READS if isinstance(telling, Ends) and telling.logouts is not None else frozenset(),
        )
    return steps


@lru_cache(STATEMENTS_KEPT)
def one_statement(steps: tuple[Step, ...]) -> str | None:
    """All steps as one statement for PostgreSQL, or None where that would not mean the same.

    The checks stand in the order of the Changes, and PostgreSQL runs the parts as the checks ask for them.
    """
    if len(steps) > LONGEST or not _mean_the_same_at_once(steps):
        return None
    return _together(steps)


def alone(step: Step) -> str:
    """One step for PostgreSQL, as it goes where each is a statement of its own."""
    return step.parts[0][1].text if len(step.parts) == 1 else _together((step,))


def _together(steps: tuple[Step, ...]) -> str:
    parts, checks, parameters = [], [], 0
    for number, step in enumerate(steps):
        for letter, sql in step.parts:
            part = _FED.sub(lambda match, number=number: f"{match[0][0]}{number}", sql.text_after(parameters))  # type: ignore[misc]
            parameters += len(sql.names)
            if step.touches_one_row and letter == "w":
                part += " RETURNING 1"
            parts.append(f"{letter}{number} AS ({part})")
        if step.touches_one_row:
            touched = f"(SELECT count(*) FROM {step.own}{number})"  # noqa: S608
            checks.append(f"CASE {touched} WHEN 1 THEN 1 ELSE lost_race('{step.name}') END")
    return f"WITH {', '.join(parts)} SELECT {', '.join(checks) or '1'}"


_FED = re.compile(r"\b(?:held|ended)\b")
"""What a part calls the rows of the one that feeds it; among several steps those need a number."""


def alike(steps: Sequence[Step], changes: Sequence[Change]) -> Iterator[tuple[Step, list[Sequence[Any]]]]:
    """One after another, each step with the parameters of all Changes that can travel together.

    Those are neighbours of one kind which may touch any number of rows: nobody asks what became of each of them.
    """
    for step, some in groupby(zip(steps, changes, strict=True), itemgetter(0)):
        arguments = [step.values(change) for _, change in some]
        if step.touches_one_row:
            yield from ((step, [one]) for one in arguments)
        else:
            yield step, arguments


def _mean_the_same_at_once(steps: tuple[Step, ...]) -> bool:
    """Whether no statement could notice that those before it have not happened yet.

    PostgreSQL runs the parts of one statement on one snapshot (its manual, section 7.8.4): none sees another's effects,
    and a row is changed by one of them at most. Keys that refer to other tables are checked when all is done.
    """
    if any(step.kind is Kind.REMOVE for step in steps):
        return len(steps) == 1
    return all(
        (a.table != b.table or _never_meet(a, b)) and a.table not in b.reads and not _meet_in_epochs(a, b)
        for a, b in combinations(steps, 2)
    )


def _never_meet(a: Step, b: Step) -> bool:
    """In one table: a new row is nothing to what came before it; using a row up twice fails either way."""
    if b.kind is Kind.ADD:
        return a.kind is not Kind.PUT
    return a is b and b.kind is Kind.USE_UP


def _meet_in_epochs(a: Step, b: Step) -> bool:
    """Whether both may write to one User's row. Giving rights twice may be one more epoch; a new User begins with 0."""
    if a.touches_epochs and b.touches_epochs:
        return not (a is b and a.kind is Kind.USE_UP)
    return any(
        one.touches_epochs and two.table == users.name and two.kind is not Kind.ADD for one, two in ((a, b), (b, a))
    )


def _values(names: tuple[str, ...]) -> Callable[[Change], Sequence[Any]]:
    read = attrgetter(*names)
    if len(names) == 1:
        return lambda change: (_plain(read(change)),)
    return lambda change: [_plain(value) for value in read(change)]


def _plain(value: Any) -> Any:
    """What drivers take: a set or a list as JSON text, a set in order, so that equal sets are equal text."""
    if isinstance(value, frozenset):
        return orjson.dumps(sorted(value)).decode()
    return orjson.dumps(value).decode() if isinstance(value, tuple) else value
