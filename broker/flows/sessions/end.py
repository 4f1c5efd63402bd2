"""Owns ending Sessions from the User's own list. Another User's Session is simply not there to be ended."""

from __future__ import annotations

from broker.domain.changes import Change, EndOtherSessions, EndSession, Record
from broker.domain.ids import SessionId
from broker.domain.ledger import AuditEvent
from broker.flows.found import LiveSession
from broker.flows.ports import Ports


async def end_sessions(which: SessionId | None, signed_in: LiveSession, ports: Ports, *, request_id: str) -> None:
    """End one of the User's Sessions, which may be this one; or (None) all but this one.

    Where there is nothing to end nothing is written: whatever a browser sends as an id must not get into the ledger.
    """
    now = ports.clock.now()
    if which is None:
        end: Change = EndOtherSessions(user_id=signed_in.user.id, but=signed_in.session.id, at=now)
    else:
        if which not in {session.id for session in await ports.store.sessions_of(signed_in.user.id, 0)}:
            return
        end = EndSession(session_id=which, user_id=signed_in.user.id, at=now)
    event = AuditEvent(
        at=now,
        action="session.end_others" if which is None else "session.end",
        outcome="done",
        request_id=request_id,
        user_id=signed_in.user.id,
        object_id=which or signed_in.session.id,
    )
    await ports.store.write(end, Record(event=event))
