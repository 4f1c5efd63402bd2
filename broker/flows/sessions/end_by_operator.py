"""Owns ending a User's Sessions from outside, one or all. What Applications have from them ends with them.

Refuses a Session that is not this User's, or has ended: whoever mistypes one learns it.
"""

from __future__ import annotations

from broker.domain.changes import Change, EndSession, EndSessionsOfUser, Record
from broker.domain.errors import NotFound
from broker.domain.ids import SessionId, UserId
from broker.domain.ledger import AuditEvent
from broker.flows.ports import Clock
from broker.flows.store import Store


async def end_by_operator(
    user_id: UserId, which: SessionId | None, store: Store, clock: Clock
) -> tuple[SessionId, ...]:
    """End one Session, or (None) all of them. Those that were there to be ended. Raises `NotFound`."""
    if await store.user(user_id) is None:
        raise NotFound(detail="no User of this id is known")
    there = [session.id for session in await store.sessions_of(user_id, 0)]
    now = clock.now()
    end: Change = EndSessionsOfUser(user_id=user_id, at=now)
    if which is not None:
        if which not in there:
            raise NotFound(detail="no such Session of this User, or it has ended")
        there, end = [which], EndSession(session_id=which, user_id=user_id, at=now)
    event = AuditEvent(at=now, action="session.end_by_operator", outcome="done", user_id=user_id, object_id=which)
    await store.write(end, Record(event=event))
    return tuple(there)
