"""Owns what the flows ask of the ledger and of its chain, in the form of store.py, of which it is a part.

Refuses to be asked for all at once: the ledger may be longer than memory, so every list has a beginning and a length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from broker.domain.ids import UserId
from broker.domain.ledger import AuditEvent, Entry
from broker.domain.ledger_chain import Link, Row


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainEnd:
    """The last link, if there is one. `is_behind`: new events get ids that come before it, and can never be chained."""

    last: Link | None
    is_behind: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptHead:
    """A signed head as it is kept."""

    position: int
    at: int
    signed: str = field(repr=False)


class LedgerStore(Protocol):
    """What SQL knows of the ledger. Ids and positions grow; whatever begins `after` one does not contain it."""

    async def events(self, limit: int) -> Sequence[AuditEvent]:
        """The newest events, the newest first."""

    async def entries(self, user_id: UserId | None, after: int, limit: int) -> Sequence[Entry]:
        """Events, of one User or of all, in the order of their ids."""

    async def entries_called(self, action: str, limit: int) -> Sequence[Entry]:
        """Of `ledger.prune` or `policy.in_force`, which are quickly found: the newest events, the newest first."""

    async def disclosures_of(self, user_id: UserId, after: int, limit: int) -> Sequence[Entry]:
        """Events that tell of attributes released, in the order of their ids."""

    async def chain_end(self) -> ChainEnd: ...

    async def settled_rows(self, after: int, limit: int) -> Sequence[Row]:
        """Events by their ids, as they are stored. None with a smaller id is still to come."""

    async def rows_between(self, after: int, last: int, limit: int) -> Sequence[Row]:
        """Events by their ids, as they are stored, up to and with `last`."""

    async def rows_left(self, after: int) -> int:
        """How many events have an id beyond this one."""

    async def links(self, after: int, limit: int) -> Sequence[Link]:
        """Links by their positions."""

    async def link_of(self, event_id: int) -> Link | None: ...

    async def heads(self, after: int, last: int) -> Sequence[KeptHead]:
        """Signed heads by their positions, up to and with `last`."""

    async def last_head(self) -> KeptHead | None: ...
