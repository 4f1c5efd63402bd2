"""Owns what the flows ask of SQL about retention and legal holds, in the form of store.py, of which it is a part.

Refuses to name anything of whoever is held: it stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol

from broker.domain.hold import Hold
from broker.domain.ids import SessionId, UserId
from broker.flows.found import ConnectionInFull


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionOver:
    """A Session that nobody needs any more, and how many Grants are left of it."""

    id: SessionId
    grants: int


class RetentionStore(Protocol):
    """What is over. Every list begins after what it is given, and goes by ids or positions."""

    async def held(self, user_id: UserId) -> Hold | None: ...

    async def holds(self) -> Sequence[Hold]:
        """All there are, by their Users."""

    async def sessions_over(self, ended: int, began: int, after: str, limit: int) -> Sequence[SessionOver]:
        """Sessions that ended by then; of those that nobody ended, what had begun by then."""

    async def idle_connections(self, before: int, after: str, limit: int) -> Sequence[ConnectionInFull]:
        """Connections with tokens that were last used by then."""

    async def idle_users(self, before: int, after: str, limit: int) -> Sequence[UserId]:
        """Users who last signed in by then."""

    async def events_over(
        self, before: int, actions: AbstractSet[str], after: int, limit: int, *, others: bool
    ) -> Sequence[int]:
        """Where in the chain events from by then are, of these actions, or with `others` of all but these."""
