"""Owns signing out at a service behind a gateway: it ends the Session, as signing out at the broker does.

Refuses nothing: who is not signed in has nothing to end, and goes where everybody goes.
"""

from __future__ import annotations

from broker.domain.application import Application
from broker.domain.changes import EndSession, Record
from broker.domain.gateway import origin_of
from broker.domain.ledger import AuditEvent
from broker.flows.gateway_application import open_pass
from broker.flows.ports import Ports


async def leave(application: Application, cookie: str | None, ports: Ports, *, request_id: str) -> str:
    """End the Session that the cookie came of, if it goes on still; where to send the browser."""
    opened = open_pass(cookie, application.id, ports.secrets)
    found = None if opened is None else await ports.store.grant(opened.grant_id)
    if found is not None and found.session.ended_at is None:
        now = ports.clock.now()
        event = AuditEvent(
            at=now,
            action="session.sign_out",
            outcome="done",
            request_id=request_id,
            user_id=found.user.id,
            application_id=application.id,
            object_id=found.session.id,
        )
        end = EndSession(session_id=found.session.id, user_id=found.user.id, at=now)
        await ports.store.write(end, Record(event=event))
    return next(iter(application.post_logout_redirect_uris), f"{origin_of(application)}/")
