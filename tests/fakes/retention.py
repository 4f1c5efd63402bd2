"""Owns the in-memory store's answers about retention and legal holds, as on SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from operator import attrgetter

from broker.domain.connection import Connection
from broker.domain.hold import Hold
from broker.domain.ids import UserId
from broker.flows.found import ConnectionInFull
from broker.flows.retention_store import SessionOver
from tests.fakes.tables import Tables


class MemoryRetention:
    """Nobody who is held is in any of these lists."""

    def _answer(self) -> Tables:
        raise NotImplementedError

    def _connections_in_full(self, connections: Iterable[Connection]) -> tuple[ConnectionInFull, ...]:
        raise NotImplementedError

    async def held(self, user_id: UserId) -> Hold | None:
        return self._answer().holds.get(user_id)

    async def holds(self) -> Sequence[Hold]:
        return tuple(sorted(self._answer().holds.values(), key=attrgetter("user_id")))

    async def sessions_over(self, ended: int, began: int, after: str, limit: int) -> Sequence[SessionOver]:
        tables = self._answer()
        over = sorted(
            s.id
            for s in tables.sessions.values()
            if (s.auth_time <= began if s.ended_at is None else s.ended_at <= ended)
            and s.id > after
            and s.user_id not in tables.holds
        )
        granted = [grant.session_id for grant in tables.grants.values()]
        return tuple(SessionOver(id=one, grants=granted.count(one)) for one in over[:limit])

    async def idle_connections(self, before: int, after: str, limit: int) -> Sequence[ConnectionInFull]:
        tables = self._answer()
        idle = [
            x
            for x in tables.connections.values()
            if x.sealed_tokens is not None
            and x.last_used_at <= before
            and x.id > after
            and x.user_id not in tables.holds
        ]
        return self._connections_in_full(sorted(idle, key=attrgetter("id")))[:limit]

    async def idle_users(self, before: int, after: str, limit: int) -> Sequence[UserId]:
        tables = self._answer()
        seen = {x.user_id for x in tables.connections.values() if x.last_used_at > before}
        seen |= {s.user_id for s in tables.sessions.values() if s.auth_time > before}
        idle = (u.id for u in tables.users.values() if u.created_at <= before and u.id > after and u.id not in seen)
        return tuple(sorted(user_id for user_id in idle if user_id not in tables.holds))[:limit]

    async def events_over(
        self, before: int, actions: AbstractSet[str], after: int, limit: int, *, others: bool
    ) -> Sequence[int]:
        tables = self._answer()
        first_younger = min((id_ for id_, event in tables.ledger.items() if event.at > before), default=None)
        over = [
            link.position
            for link in tables.ledger_links.values()
            if link.position > after
            and (first_younger is None or link.event_id < first_younger)
            and tables.may_be_pruned(tables.ledger.get(link.event_id), before, actions, others=others)
        ]
        return tuple(sorted(over)[:limit])
