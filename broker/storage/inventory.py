"""Owns reading everything that there is: every row of every table, in bounded pieces.

Refuses to know what is in them: the names of tables and columns come along.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, Table, bindparam, select, tuple_

from broker.storage.columns import metadata
from broker.storage.engine import Engine
from broker.storage.tables import users


class SqlInventory:
    """The `Inventory` of a database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def tables(self) -> Sequence[str]:
        """See `Inventory`."""
        return sorted(users.metadata.tables)

    async def rows(self, table: str, after: Sequence[Any] | None, limit: int) -> Sequence[Mapping[str, Any]]:
        """See `Inventory`."""
        whole = metadata.tables[table]
        names = [column.name for column in whole.columns]
        given = {} if after is None else {f"after_{n}": value for n, value in enumerate(after)}
        found = await self._engine.rows(_page(whole, first=after is None), limit=limit, **given)
        return [dict(zip(names, row, strict=True)) for row in found]

    def key(self, table: str) -> Sequence[str]:
        """See `Inventory`."""
        return [column.name for column in metadata.tables[table].primary_key]


def _page(table: Table, *, first: bool) -> Select[Any]:
    key = list(table.primary_key)
    page = select(table).order_by(*key).limit(bindparam("limit"))
    if first:
        return page
    after = [bindparam(f"after_{number}", type_=column.type) for number, column in enumerate(key)]
    return page.where(tuple_(*key) > tuple_(*after) if len(key) > 1 else key[0] > after[0])
