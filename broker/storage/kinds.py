"""Owns the kinds of writes there are, and the form of one: a statement which changes one table.

Refuses to know any Change: those are in writes.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import cast

from sqlalchemy import Table
from sqlalchemy.sql.dml import UpdateBase


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
