"""Owns switching a User off and on again.

Refuses to let anything from before come back: either way all Sessions end, so that whoever is restored signs in anew.
"""

from __future__ import annotations

from broker.domain.changes import EndSessionsOfUser, Record, SetEraseAt, SetUserStatus
from broker.domain.errors import NotFound
from broker.domain.ids import UserId
from broker.domain.ledger import AuditEvent
from broker.domain.user import UserStatus
from broker.flows.ports import Clock
from broker.flows.store import Store


async def set_status(user_id: UserId, status: UserStatus, store: Store, clock: Clock) -> bool:
    """Switch a User off or on. False when they are so already, and nothing is written. Raises `NotFound`.

    Either way a User who was about to be erased is not any more.

    A sign-in that was under way at the suspension may have made a Session after it; restoring ends that, too.
    """
    user = await store.user(user_id)
    if user is None:
        raise NotFound(detail="no User of this id is known")
    if user.status is status:
        return False
    now = clock.now()
    event = AuditEvent(
        at=now,
        action="user.suspend" if status is UserStatus.SUSPENDED else "user.restore",
        outcome="done",
        user_id=user_id,
    )
    await store.write(
        SetUserStatus(user_id=user_id, status=status, at=now),
        SetEraseAt(user_id=user_id, erase_at=None),
        EndSessionsOfUser(user_id=user_id, at=now),
        Record(event=event),
    )
    return True
