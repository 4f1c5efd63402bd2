"""Owns revoking a Connection: all that is kept of it is destroyed here first; the outbox tells the Provider afterwards.

Refuses Connections of anybody else, as if they did not exist.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from broker.domain.changes import AddPendingRevocation, Change, EndSessionsOfConnection, Record, ReplaceConnection
from broker.domain.connection import Connection, ConnectionStatus
from broker.domain.errors import Conflict, Fault, NotFound, SealBroken
from broker.domain.ids import ConnectionId, UserId
from broker.domain.ledger import AuditEvent
from broker.domain.outbox import PendingRevocation, RevocationResult
from broker.flows.broken_seal import told
from broker.flows.found import ConnectionInFull
from broker.flows.ports import Ports
from broker.flows.to_revoke import to_revoke

_TRIES = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Revoked:
    """The Connection as it now is, and what its Provider is yet to be told (None: nothing, or it cannot be told)."""

    connection: Connection
    pending: PendingRevocation | None


async def revoke(connection_id: ConnectionId, user_id: UserId, ports: Ports, *, request_id: str) -> Revoked:
    """Revoke, durably and at once. Every Session that began through the Connection ends. Raises `NotFound`."""
    for _ in range(_TRIES):
        found = await ports.store.connection(connection_id)
        if found is None or found.connection.user_id != user_id:
            raise NotFound(detail="no such connection of this user")
        if found.connection.status is ConnectionStatus.REVOKED:
            untold = [r for r in found.revocations if r.result is RevocationResult.PENDING]
            return Revoked(connection=found.connection, pending=untold[-1] if untold else None)
        try:
            return await _destroy(found, ports, request_id)
        except Conflict:
            continue  # a sign-in or a refresh wrote meanwhile: destroy what it wrote
    raise Fault("contention", "This connection is being used at this moment. Please try again.")


async def _destroy(found: ConnectionInFull, ports: Ports, request_id: str) -> Revoked:
    now = ports.clock.now()
    before = found.connection
    destroyed = replace(
        before,
        status=ConnectionStatus.REVOKED,
        sealed_attributes=None,
        sealed_tokens=None,
        granted_scopes=frozenset(),
        generation=before.generation + 1,
        revoked_at=now,
    )
    changes: list[Change] = [ReplaceConnection(connection=destroyed, expected_generation=before.generation)]
    try:
        pending = await to_revoke(found, ports, now)
    except SealBroken:  # nobody can read the tokens any more, so nobody can revoke them either
        pending = None
        changes.append(Record(event=told(before, now)))
    if pending is not None:
        changes.append(AddPendingRevocation(pending=pending))
    event = AuditEvent(
        at=now,
        action="connection.revoke",
        outcome="done",
        request_id=request_id,
        user_id=before.user_id,
        registration=before.registration,
        object_id=before.id,
    )
    await ports.store.write(*changes, EndSessionsOfConnection(connection_id=before.id, at=now), Record(event=event))
    return Revoked(connection=destroyed, pending=pending)
