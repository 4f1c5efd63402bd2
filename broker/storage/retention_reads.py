"""Owns the questions of retention and of legal holds, as statements and as a part of the `Store`.

Refuses to name anything of whoever is held.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import orjson
from sqlalchemy import and_, bindparam, exists, func, or_, select

from broker.domain.hold import Hold
from broker.domain.ids import SessionId, UserId
from broker.flows.found import ConnectionInFull
from broker.flows.retention_store import SessionOver
from broker.storage import snapshots
from broker.storage.engine import Engine
from broker.storage.held import not_held, of_class
from broker.storage.reads import BY_ID, FROM_ID_ON
from broker.storage.rows import Row
from broker.storage.tables import connections, grants, holds, ledger, ledger_links, sessions, users

HELD = select(holds).where(holds.c.user_id == bindparam("user_id"))
HOLDS = select(holds).order_by(holds.c.user_id)

_granted = select(func.count()).where(grants.c.session_id == sessions.c.id).correlate(sessions).scalar_subquery()
SESSIONS_OVER = (
    select(sessions.c.id, _granted)
    .where(
        sessions.c.id > bindparam("after"),
        sessions.c.auth_time <= bindparam("ended"),  # none ends before it begins, and this one has an index
        or_(
            sessions.c.ended_at <= bindparam("ended"),
            and_(sessions.c.ended_at.is_(None), sessions.c.auth_time <= bindparam("began")),
        ),
        not_held(sessions.c.user_id),
    )
    .order_by(sessions.c.id)
    .limit(bindparam("limit"))
)

_idle = FROM_ID_ON.where(
    connections.c.sealed_tokens.is_not(None),
    connections.c.last_used_at <= bindparam("before"),
    not_held(connections.c.user_id),
)
IDLE_CONNECTIONS = BY_ID.where(connections.c.id.in_(_idle))

IDLE_USERS = (
    select(users.c.id)
    .where(
        users.c.id > bindparam("after"),
        users.c.created_at <= bindparam("before"),
        ~exists().where(connections.c.user_id == users.c.id, connections.c.last_used_at > bindparam("before")),
        ~exists().where(sessions.c.user_id == users.c.id, sessions.c.auth_time > bindparam("before")),
        not_held(users.c.id),
    )
    .order_by(users.c.id)
    .limit(bindparam("limit"))
)

# From the oldest event up to the first that is younger: what is beyond need not be looked at.
_first_younger = (
    select(ledger.c.id).where(ledger.c.at > bindparam("before")).order_by(ledger.c.id).limit(1).scalar_subquery()
)
EVENTS_OVER = (
    select(ledger_links.c.position)
    .join(ledger, ledger.c.id == ledger_links.c.event_id)
    .where(
        ledger_links.c.position > bindparam("after"),
        or_(_first_younger.is_(None), ledger.c.id < _first_younger),
        ledger.c.at <= bindparam("before"),
        of_class(),
        not_held(ledger.c.user_id),
    )
    .order_by(ledger_links.c.position)
    .limit(bindparam("limit"))
)


class RetentionReads:
    """A `RetentionStore` on a database."""

    engine: Engine

    async def held(self, user_id: UserId) -> Hold | None:
        found = await self.engine.rows(HELD, user_id=user_id)
        return _hold(found[0]) if found else None

    async def holds(self) -> Sequence[Hold]:
        return tuple(map(_hold, await self.engine.rows(HOLDS)))

    async def sessions_over(self, ended: int, began: int, after: str, limit: int) -> Sequence[SessionOver]:
        found = await self.engine.rows(SESSIONS_OVER, ended=ended, began=began, after=after, limit=limit)
        return tuple(SessionOver(id=SessionId(row[0]), grants=row[1]) for row in found)

    async def idle_connections(self, before: int, after: str, limit: int) -> Sequence[ConnectionInFull]:
        found = await self.engine.rows(IDLE_CONNECTIONS, before=before, after=after, limit=limit)
        return snapshots.connections_in_full(found)

    async def idle_users(self, before: int, after: str, limit: int) -> Sequence[UserId]:
        found = await self.engine.rows(IDLE_USERS, before=before, after=after, limit=limit)
        return tuple(UserId(row[0]) for row in found)

    async def events_over(
        self, before: int, actions: AbstractSet[str], after: int, limit: int, *, others: bool
    ) -> Sequence[int]:
        named = orjson.dumps(sorted(actions)).decode()
        found = await self.engine.rows(
            EVENTS_OVER, before=before, actions=named, others=int(others), after=after, limit=limit
        )
        return tuple(row[0] for row in found)


def _hold(row: Row) -> Hold:
    user_id, reference, since = row
    return Hold(user_id=user_id, reference=reference, since=since)
