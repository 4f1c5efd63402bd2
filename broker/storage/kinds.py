"""Owns the kinds of writes there are, the form of one, a statement which changes one table, and how one is made.

Refuses to know any Change: those are in writes.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, cast

from sqlalchemy import BindParameter, Column, Table, bindparam, delete, insert
from sqlalchemy.dialects.postgresql import insert as insert_or_update
from sqlalchemy.sql.dml import Update, UpdateBase


class Kind(Enum):
    """What a statement does to its table. It decides what may travel in one statement with it."""

    ADD = auto()
    """Inserts one row; a taken key is a conflict."""
    USE_UP = auto()
    """Changes one row, once and for all; a second time is a conflict."""
    COMPARE_AND_SET = auto()
    """Changes one row if it is as expected; else it is a conflict."""
    SET = auto()
    """Changes such rows as there are."""
    PUT = auto()
    """Inserts a row or replaces it."""
    APPEND = auto()
    """Inserts rows, many in one go; a taken key is a conflict for all of them."""
    REMOVE = auto()
    """Deletes rows, also of the tables that refer to them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Write:
    """One statement, which changes one table."""

    kind: Kind
    statement: UpdateBase

    @property
    def table(self) -> str:
        """The table's name."""
        return cast(Table, self.statement.table).name

    @property
    def touches_one_row(self) -> bool:
        """Whether touching any other number of rows is a conflict."""
        return self.kind in (Kind.ADD, Kind.USE_UP, Kind.COMPARE_AND_SET)


def from_noun(noun: str, columns: Iterable[Column[Any]]) -> dict[Column[Any], BindParameter[Any]]:
    """Each column from the attribute of the same name."""
    return {column: bindparam(f"{noun}.{column.name}") for column in columns}


def add(table: Table, noun: str) -> Write:
    """Insert one row, of the noun's attributes."""
    given = [column for column in table.columns if column.autoincrement is not True]
    return Write(kind=Kind.ADD, statement=insert(table).values(from_noun(noun, given)).inline())


def put(table: Table, noun: str) -> Write:
    """Insert one row, or replace the one with its key."""
    statement = insert_or_update(table).values(from_noun(noun, table.columns))
    rest = {c.name: statement.excluded[c.name] for c in table.columns if not c.primary_key}
    statement = statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=rest)
    return Write(kind=Kind.PUT, statement=statement)


def remove(table: Table, attribute: str) -> Write:
    """Delete the row with this id."""
    return Write(kind=Kind.REMOVE, statement=delete(table).where(table.c.id == bindparam(attribute)))


def use_up(statement: Update) -> Write:
    """Change one row once."""
    return Write(kind=Kind.USE_UP, statement=statement)


def compare_and_set(statement: Update) -> Write:
    """Change one row if it is as expected."""
    return Write(kind=Kind.COMPARE_AND_SET, statement=statement)


def set_rows(statement: Update) -> Write:
    """Change such rows as there are."""
    return Write(kind=Kind.SET, statement=statement)
