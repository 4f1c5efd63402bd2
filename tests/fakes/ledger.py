"""Owns the in-memory store's answers about the ledger and its chain, as on SQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from broker.domain.ids import UserId
from broker.domain.ledger import AuditEvent, Entry
from broker.domain.ledger_chain import Column, Link, Row
from broker.flows.ledger_store import ChainEnd, KeptHead
from tests.fakes.tables import Tables


class MemoryLedger:
    """Rows as a database has them. Whatever is written is settled at once."""

    def _answer(self) -> Tables:
        raise NotImplementedError

    async def events(self, limit: int) -> Sequence[AuditEvent]:
        return tuple(reversed(self._answer().ledger.values()))[:limit]

    async def entries(self, user_id: UserId | None, after: int, limit: int) -> Sequence[Entry]:
        return self._entries(lambda event: user_id is None or event.user_id == user_id, after)[:limit]

    async def entries_called(self, action: str, limit: int) -> Sequence[Entry]:
        return tuple(reversed(self._entries(lambda event: event.action == action, 0)))[:limit]

    async def disclosures_of(self, user_id: UserId, after: int, limit: int) -> Sequence[Entry]:
        return self._entries(lambda event: event.user_id == user_id and event.released != (), after)[:limit]

    async def chain_end(self) -> ChainEnd:
        links = self._answer().ledger_links
        return ChainEnd(last=links[max(links)] if links else None, is_behind=False)

    async def settled_rows(self, after: int, limit: int) -> Sequence[Row]:
        return self._rows(after)[:limit]

    async def rows_between(self, after: int, last: int, limit: int) -> Sequence[Row]:
        return tuple(row for row in self._rows(after) if row.id <= last)[:limit]

    async def rows_left(self, after: int) -> int:
        return len(self._rows(after))

    async def links(self, after: int, limit: int) -> Sequence[Link]:
        links = self._answer().ledger_links
        return tuple(links[position] for position in sorted(links) if position > after)[:limit]

    async def link_of(self, event_id: int) -> Link | None:
        return next((link for link in self._answer().ledger_links.values() if link.event_id == event_id), None)

    async def heads(self, after: int, last: int) -> Sequence[KeptHead]:
        heads = self._answer().ledger_heads
        return tuple(_head(position, heads) for position in sorted(heads) if after < position <= last)

    async def last_head(self) -> KeptHead | None:
        heads = self._answer().ledger_heads
        return _head(max(heads), heads) if heads else None

    def _entries(self, wanted: Callable[[AuditEvent], bool], after: int) -> tuple[Entry, ...]:
        found = sorted(self._answer().ledger.items())
        return tuple(Entry(id=id_, event=event) for id_, event in found if id_ > after and wanted(event))

    def _rows(self, after: int) -> tuple[Row, ...]:
        return tuple(Row(columns=_columns(entry)) for entry in self._entries(lambda _: True, after))


def _head(position: int, heads: Mapping[int, tuple[int, str]]) -> KeptHead:
    at, signed = heads[position]
    return KeptHead(position=position, at=at, signed=signed)


def _columns(entry: Entry) -> tuple[Column, ...]:
    event = entry.event
    return (
        *(entry.id, event.at, event.action, event.outcome, event.reason, event.request_id, event.user_id),
        *(event.application_id, event.registration, event.client_org, event.object_id),
        *(json.dumps(event.released, separators=(",", ":")), event.ground, event.sealed),
    )
