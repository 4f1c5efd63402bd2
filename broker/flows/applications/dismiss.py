"""Owns putting a warning away, once its User has read it. One that is not there, or not theirs, changes nothing."""

from __future__ import annotations

from broker.domain.changes import DismissWarning, Record
from broker.domain.ids import GrantId, UserId
from broker.domain.ledger import AuditEvent
from broker.flows.ports import Ports


async def dismiss_warning(grant_id: GrantId, user_id: UserId, ports: Ports, *, request_id: str) -> None:
    """Do not tell the User of this Grant again. The ledger says that they know, and still what it was revoked for."""
    found = await ports.store.grant(grant_id)
    if found is None or found.user.id != user_id or not found.grant.warns:
        return
    grant = found.grant
    now = ports.clock.now()
    event = AuditEvent(
        at=now,
        action="access.dismiss_warning",
        outcome="done",
        request_id=request_id,
        user_id=user_id,
        application_id=grant.application_id,
        object_id=grant.id,
    )
    await ports.store.write(DismissWarning(grant_id=grant.id, user_id=user_id, at=now), Record(event=event))
