"""Owns noting in the ledger which attribute policy is in force, by its content hash: so what was told can be judged.

Refuses to note the same one again.
"""

from __future__ import annotations

from broker.domain.changes import Record
from broker.domain.ledger import AuditEvent
from broker.domain.policy import AttributePolicy
from broker.domain.policy_hash import IN_FORCE, content_hash
from broker.flows.ports import Clock
from broker.flows.store import Store


async def note_policy(policy: AttributePolicy, store: Store, clock: Clock) -> bool:
    """Whether it is another one than was noted last. Raises `Fault`."""
    hashed = content_hash(policy)
    last = await store.entries_called(IN_FORCE, 1)
    if last and last[0].event.object_id == hashed:
        return False
    event = AuditEvent(at=clock.now(), action=IN_FORCE, outcome="done", object_id=hashed)
    await store.write(Record(event=event))
    return True
