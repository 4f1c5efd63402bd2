"""Owns the questions about the ledger and its chain, as statements and as a part of the `Store`.

Refuses to interpret what is to be hashed: those columns are handed on as the database has them.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnClause, bindparam, func, literal_column, select

from broker.domain.ids import UserId
from broker.domain.ledger import AuditEvent, Entry
from broker.domain.ledger_chain import Link
from broker.domain.ledger_chain import Row as LedgerRow
from broker.flows.ledger_store import ChainEnd, KeptHead
from broker.storage import system_rows
from broker.storage.driver_sql import entries_settled_below
from broker.storage.engine import Engine
from broker.storage.rows import Row
from broker.storage.tables import ledger, ledger_heads, ledger_links

_ONE: ColumnClause[int] = literal_column("1")
_in_order = select(ledger).where(ledger.c.id > bindparam("after")).order_by(ledger.c.id).limit(bindparam("limit"))

EVENTS = select(ledger).order_by(ledger.c.id.desc()).limit(bindparam("limit"))
ENTRIES = _in_order
ENTRIES_OF = _in_order.where(ledger.c.user_id == bindparam("user_id"))
DISCLOSURES_OF = ENTRIES_OF.where(ledger.c.released != literal_column("'[]'"))
# Which ones there are stands in the statements, so that the index of just those answers.
ENTRIES_CALLED = {
    action: EVENTS.where(ledger.c.action == literal_column(f"'{action}'"))
    for action in ("ledger.prune", "policy.in_force")
}
SETTLED_ROWS = _in_order.where(ledger.c.id < entries_settled_below())
ROWS_BETWEEN = _in_order.where(ledger.c.id <= bindparam("last"))
ROWS_LEFT = select(func.count()).select_from(ledger).where(ledger.c.id > bindparam("after"))

CHAIN_END = (
    select(ledger_links, entries_settled_below() <= ledger_links.c.event_id)
    .order_by(ledger_links.c.position.desc())
    .limit(_ONE)
)
LINKS = (
    select(ledger_links)
    .where(ledger_links.c.position > bindparam("after"))
    .order_by(ledger_links.c.position)
    .limit(bindparam("limit"))
)
LINK_OF = select(ledger_links).where(ledger_links.c.event_id == bindparam("event_id"))
HEADS = (
    select(ledger_heads)
    .where(ledger_heads.c.position > bindparam("after"), ledger_heads.c.position <= bindparam("last"))
    .order_by(ledger_heads.c.position)
)
LAST_HEAD = select(ledger_heads).order_by(ledger_heads.c.position.desc()).limit(_ONE)


class LedgerReads:
    """A `LedgerStore` on a database."""

    engine: Engine

    async def events(self, limit: int) -> Sequence[AuditEvent]:
        return tuple(map(system_rows.audit_event, await self.engine.rows(EVENTS, limit=limit)))

    async def entries(self, user_id: UserId | None, after: int, limit: int) -> Sequence[Entry]:
        if user_id is None:
            found = await self.engine.rows(ENTRIES, after=after, limit=limit)
        else:
            found = await self.engine.rows(ENTRIES_OF, user_id=user_id, after=after, limit=limit)
        return tuple(map(system_rows.entry, found))

    async def entries_called(self, action: str, limit: int) -> Sequence[Entry]:
        return tuple(map(system_rows.entry, await self.engine.rows(ENTRIES_CALLED[action], limit=limit)))

    async def disclosures_of(self, user_id: UserId, after: int, limit: int) -> Sequence[Entry]:
        found = await self.engine.rows(DISCLOSURES_OF, user_id=user_id, after=after, limit=limit)
        return tuple(map(system_rows.entry, found))

    async def chain_end(self) -> ChainEnd:
        found = await self.engine.rows(CHAIN_END)
        if not found:
            return ChainEnd(last=None, is_behind=False)
        return ChainEnd(last=system_rows.link(found[0]), is_behind=bool(found[0][-1]))

    async def settled_rows(self, after: int, limit: int) -> Sequence[LedgerRow]:
        return _as_stored(await self.engine.rows(SETTLED_ROWS, after=after, limit=limit))

    async def rows_between(self, after: int, last: int, limit: int) -> Sequence[LedgerRow]:
        return _as_stored(await self.engine.rows(ROWS_BETWEEN, after=after, last=last, limit=limit))

    async def rows_left(self, after: int) -> int:
        ((count,),) = await self.engine.rows(ROWS_LEFT, after=after)
        return int(count)

    async def links(self, after: int, limit: int) -> Sequence[Link]:
        return tuple(map(system_rows.link, await self.engine.rows(LINKS, after=after, limit=limit)))

    async def link_of(self, event_id: int) -> Link | None:
        found = await self.engine.rows(LINK_OF, event_id=event_id)
        return system_rows.link(found[0]) if found else None

    async def heads(self, after: int, last: int) -> Sequence[KeptHead]:
        return tuple(map(_head, await self.engine.rows(HEADS, after=after, last=last)))

    async def last_head(self) -> KeptHead | None:
        found = await self.engine.rows(LAST_HEAD)
        return _head(found[0]) if found else None


def _as_stored(found: Sequence[Row]) -> tuple[LedgerRow, ...]:
    return tuple(LedgerRow(columns=tuple(row)) for row in found)


def _head(row: Row) -> KeptHead:
    position, at, signed = row
    return KeptHead(position=position, at=at, signed=signed)
