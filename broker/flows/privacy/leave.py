"""Owns a User's wish to have their account erased: everything stops at once, and the erasure is set for later.

Refuses to end what can be undone: until then, whoever signs in to keep the account has it back.
"""

from __future__ import annotations

from broker.domain.changes import EndSessionsOfUser, Record, SetEraseAt, SetUserStatus
from broker.domain.errors import NotFound
from broker.domain.ids import UserId
from broker.domain.ledger import AuditEvent
from broker.domain.user import UserStatus
from broker.flows.ports import Ports


async def leave(user_id: UserId, ports: Ports, *, request_id: str = "") -> int:
    """When the account is erased, in seconds since the epoch; asked again, nothing changes. Raises `NotFound`."""
    user = await ports.store.user(user_id)
    if user is None:
        raise NotFound(detail="no User of this id is known")
    if user.status is UserStatus.LEAVING and user.erase_at is not None:
        return user.erase_at
    now = ports.clock.now()
    erase_at = ports.policy.erasure.erase_at(now)
    event = AuditEvent(at=now, action="user.leave", outcome="done", request_id=request_id, user_id=user_id)
    await ports.store.write(
        SetUserStatus(user_id=user_id, status=UserStatus.LEAVING, at=now),
        SetEraseAt(user_id=user_id, erase_at=erase_at),
        EndSessionsOfUser(user_id=user_id, at=now),
        Record(event=event),
    )
    return erase_at
