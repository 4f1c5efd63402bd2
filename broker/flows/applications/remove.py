"""Owns taking an Application's access away: whatever it has of the User ends, and it has to ask again.

Refuses to leave anything of an older Session behind, and to touch what another User gave.
"""

from __future__ import annotations

from broker.domain.application import Application
from broker.domain.changes import Record, RemoveConsent, RevokeGrantsOf
from broker.domain.errors import NotFound
from broker.domain.ids import ApplicationId, UserId
from broker.domain.ledger import AuditEvent
from broker.flows.ports import Ports


async def remove_access(
    application_id: ApplicationId, user_id: UserId, ports: Ports, *, request_id: str
) -> Application:
    """End it. Raises `NotFound` where the Application never had anything of this User.

    What the statements find is ended, not what was read; a code that relies on the consent comes before that, or never.
    """
    access = {one.application.id: one for one in await ports.store.access_of(user_id)}.get(application_id)
    if access is None:
        raise NotFound(detail="no such application with access to this user")
    now = ports.clock.now()
    event = AuditEvent(
        at=now,
        action="access.remove",
        outcome="done",
        request_id=request_id,
        user_id=user_id,
        application_id=application_id,
    )
    if access.consent is not None or any(found.grant.revoked_at is None for found in access.grants):
        await ports.store.write(
            RemoveConsent(user_id=user_id, application_id=application_id),
            RevokeGrantsOf(application_id=application_id, user_id=user_id, reason="removed_by_user", at=now),
            Record(event=event),
        )
    return access.application
