"""Owns the step from a SQLAlchemy Core statement to what a driver takes: the text, and the order of its parameters.

It is taken once for each statement; refuses to be on the path of a request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import BigInteger, Boolean, Text

_PLACEHOLDER = re.compile(r"\$(\d+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class DriverSql:
    """`names` in the order of the placeholders: `?` on SQLite, `$1` on PostgreSQL. `given` holds constants."""

    text: str
    names: tuple[str, ...]
    given: Mapping[str, Any]

    def arguments(self, parameters: Mapping[str, Any]) -> tuple[Any, ...]:
        """The values of `parameters` in their places."""
        every = {**self.given, **parameters} if self.given else parameters
        return tuple([every[name] for name in self.names])

    def text_after(self, others: int) -> str:
        """The text for PostgreSQL, its placeholders counted on from those of `others` parameters before it."""
        return _PLACEHOLDER.sub(lambda match: f"${int(match[1]) + others}", self.text)


@cache
def driver_sql(statement: ClauseElement, dialect: Dialect) -> DriverSql:
    """Compile `statement`, once in a process: both are told by what they are, not by what they hold."""
    compiled = cast(SQLCompiler, statement.compile(dialect=dialect))
    given = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
    return DriverSql(text=compiled.string, names=tuple(compiled.positiontup or ()), given=given)


class json_array(FunctionElement[str]):  # noqa: N801 - named as SQL functions are
    """One row's columns as a JSON array."""

    inherit_cache = True
    type = Text()


class json_rows(FunctionElement[str]):  # noqa: N801
    """Many rows' JSON arrays as one, in no particular order. Of no rows: NULL or "[]", as the database likes."""

    inherit_cache = True
    type = Text()


class settled_below(FunctionElement[int]):  # noqa: N801
    """The key of `revocations` below which no row is still to come: none of a transaction that has not ended."""

    inherit_cache = True
    type = BigInteger()


class entries_settled_below(FunctionElement[int]):  # noqa: N801
    """The same of `ledger`, whose keys have an era."""

    inherit_cache = True
    type = BigInteger()


class element_beside(FunctionElement[Any]):  # noqa: N801
    """Of an array, what stands there where a value stands in another array. PostgreSQL's alone."""

    inherit_cache = True


@compiles(element_beside, "postgresql")
def _(element: element_beside, compiler: SQLCompiler, **kw: Any) -> str:
    array, values, value = (compiler.process(part, **kw) for part in element.clauses)
    return f"({array})[array_position({values}, {value})]"


class is_one_of(FunctionElement[bool]):  # noqa: N801
    """Whether a text is one of those in a JSON array."""

    inherit_cache = True
    type = Boolean()


@compiles(is_one_of, "postgresql")
def _(element: is_one_of, compiler: SQLCompiler, **kw: Any) -> str:
    text, array = (compiler.process(part, **kw) for part in element.clauses)
    return f"{text} IN (SELECT json_array_elements_text(CAST({array} AS json)))"


@compiles(is_one_of, "sqlite")
def _(element: is_one_of, compiler: SQLCompiler, **kw: Any) -> str:
    text, array = (compiler.process(part, **kw) for part in element.clauses)
    return f"{text} IN (SELECT value FROM json_each({array}))"  # noqa: S608


@compiles(entries_settled_below, "postgresql")
def _(element: entries_settled_below, compiler: SQLCompiler, **kw: Any) -> str:
    return "((pg_snapshot_xmin(pg_current_snapshot())::text::bigint + ledger_era()) << 20)"


@compiles(entries_settled_below, "sqlite")
def _(element: entries_settled_below, compiler: SQLCompiler, **kw: Any) -> str:
    return "9223372036854775807"


@compiles(settled_below, "postgresql")
def _(element: settled_below, compiler: SQLCompiler, **kw: Any) -> str:
    return "(pg_snapshot_xmin(pg_current_snapshot())::text::bigint << 20)"


@compiles(settled_below, "sqlite")
def _(element: settled_below, compiler: SQLCompiler, **kw: Any) -> str:
    return "9223372036854775807"  # its transactions come one after another, and so do their rows


@compiles(json_array, "postgresql")
def _(element: json_array, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_build_array({compiler.process(element.clauses, **kw)})"


@compiles(json_array, "sqlite")
def _(element: json_array, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_array({compiler.process(element.clauses, **kw)})"


@compiles(json_rows, "postgresql")
def _(element: json_rows, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_agg({compiler.process(element.clauses, **kw)})"


@compiles(json_rows, "sqlite")
def _(element: json_rows, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_group_array({compiler.process(element.clauses, **kw)})"
