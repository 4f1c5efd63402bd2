"""Owns holding a User: from then on nothing of theirs goes by a rule of retention.

Refuses to forget since when: placed a second time, a hold has another reference, and goes on.
"""

from __future__ import annotations

from broker.domain.changes import PutHold, Record
from broker.domain.errors import NotFound
from broker.domain.hold import Hold, require_reference
from broker.domain.ids import UserId
from broker.domain.ledger import AuditEvent
from broker.flows.ports import Clock
from broker.flows.store import Store


async def place_hold(user_id: UserId, reference: str, store: Store, clock: Clock) -> tuple[Hold, bool]:
    """The hold, and whether it was another one before, or none. Raises `NotFound` or `Refusal`."""
    require_reference(reference)
    if await store.user(user_id) is None:
        raise NotFound(detail="no User of this id is known")
    now, before = clock.now(), await store.held(user_id)
    if before is not None and before.reference == reference:
        return before, False
    hold = Hold(user_id=user_id, reference=reference, since=now if before is None else before.since)
    event = AuditEvent(at=now, action="hold.place", outcome="done", user_id=user_id, object_id=reference)
    await store.write(PutHold(hold=hold), Record(event=event))
    return hold, True
