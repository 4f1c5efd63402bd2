"""Owns what follows when a Provider says that somebody signed out there (OpenID Connect Back-Channel Logout 1.0).

Refuses a logout token that was used before. Whether anybody here was meant, the Provider is not told.
"""

from __future__ import annotations

from broker.domain.changes import (
    Change,
    EndSessionsOfConnection,
    EndSessionsOfUpstream,
    Record,
    TakeAssertion,
)
from broker.domain.errors import Conflict, Refusal
from broker.domain.identity import unambiguous
from broker.domain.ids import RegistrationId, UserId
from broker.domain.ledger import AuditEvent
from broker.flows.found import KnownIdentity
from broker.flows.ports import Ports
from broker.flows.proven import UpstreamLogout


async def end_upstream(registration: RegistrationId, logout_token: str, ports: Ports, *, request_id: str) -> None:
    """End the Sessions that are meant. Raises `Refusal` or `Fault`; nothing was changed then."""
    said = await ports.upstream.logout(registration, logout_token)
    now = ports.clock.now()
    jti = ports.secrets.keyed_hash("logout_token", unambiguous(registration, said.issuer, said.jti))
    changes: list[Change] = [TakeAssertion(assertion=jti, expires_at=said.good_until)]
    known = await _known(registration, said, ports)
    connection_id = None if known is None or known.connection is None else known.connection.id
    user_id: UserId | None = None if known is None else known.user.id
    if said.sid is not None:
        upstream_sid = ports.secrets.keyed_hash("upstream_sid", unambiguous(registration, said.issuer, said.sid))
        user_id = user_id or await ports.store.user_of_upstream(upstream_sid)
        changes.append(EndSessionsOfUpstream(upstream_sid=upstream_sid, connection_id=connection_id, at=now))
    elif connection_id is not None:
        changes.append(EndSessionsOfConnection(connection_id=connection_id, at=now))
    if user_id is not None or said.sid is not None:  # also who is signing in at this moment may be meant
        event = AuditEvent(
            at=now,
            action="session.end_upstream",
            outcome="done",
            request_id=request_id,
            user_id=user_id,
            registration=registration,
            object_id=connection_id,
        )
        changes.append(Record(event=event))
    try:
        await ports.store.write(*changes)
    except Conflict:
        raise Refusal(
            "invalid_logout_token", "The logout token could not be verified.", detail="jti was used before"
        ) from None


async def _known(registration: RegistrationId, said: UpstreamLogout, ports: Ports) -> KnownIdentity | None:
    if said.identity is None:
        return None
    identity = ports.secrets.keyed_hash("identity", said.identity.key())
    return (await ports.store.arrival(registration, identity, None, None)).known
