"""Owns letting go of a User who was held: what is over by then goes with the next run of retention.

Refuses to write anything where there was no hold.
"""

from __future__ import annotations

from broker.domain.changes import Record, RemoveHold
from broker.domain.hold import Hold
from broker.domain.ids import UserId
from broker.domain.ledger import AuditEvent
from broker.flows.ports import Clock
from broker.flows.store import Store


async def lift_hold(user_id: UserId, store: Store, clock: Clock) -> Hold | None:
    """The hold that there was; None where there was none."""
    before = await store.held(user_id)
    if before is None:
        return None
    event = AuditEvent(at=clock.now(), action="hold.lift", outcome="done", user_id=user_id, object_id=before.reference)
    await store.write(RemoveHold(user_id=user_id), Record(event=event))
    return before
