"""Owns signing out everywhere: all of a User's Sessions end, and with them whatever Applications have from them.

Refuses to spare those that are over by themselves: offline access outlives the Session that it came from.
"""

from __future__ import annotations

from broker.domain.changes import EndSessionsOfUser, Record
from broker.domain.ledger import AuditEvent
from broker.flows.found import LiveSession
from broker.flows.ports import Ports


async def end_all_sessions(signed_in: LiveSession, ports: Ports, *, request_id: str) -> None:
    """End every Session of the User, the one that asks included."""
    now = ports.clock.now()
    event = AuditEvent(
        at=now,
        action="session.end_all",
        outcome="done",
        request_id=request_id,
        user_id=signed_in.user.id,
        object_id=signed_in.session.id,
    )
    await ports.store.write(EndSessionsOfUser(user_id=signed_in.user.id, at=now), Record(event=event))
