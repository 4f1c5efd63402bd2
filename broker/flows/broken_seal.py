"""Owns a step that several flows share, no verb of its own: a Connection of which something does not open is marked.

Refuses to destroy anything: what else is sealed there may open still, and what was moved can be put back.
"""

from __future__ import annotations

from broker.domain.changes import MarkConnection, Record
from broker.domain.connection import Connection, ConnectionStatus
from broker.domain.errors import Conflict
from broker.domain.ledger import AuditEvent
from broker.flows.ports import Clock
from broker.flows.store import Store


async def mark(connection: Connection, store: Store, clock: Clock) -> None:
    """It needs a new sign-in, and the ledger says why: once, and not where somebody was first, or wrote it anew."""
    if connection.status is not ConnectionStatus.ACTIVE:
        return
    try:
        await store.write(marked(connection), Record(event=told(connection, clock.now())))
    except Conflict:
        return


def marked(connection: Connection) -> MarkConnection:
    """Its generation stays, so that what does open opens still."""
    return MarkConnection(connection_id=connection.id, expected_generation=connection.generation)


def told(connection: Connection, now: int) -> AuditEvent:
    """The line of the ledger."""
    return AuditEvent(
        at=now,
        action="vault.open",
        outcome="failed",
        reason="seal_broken",
        user_id=connection.user_id,
        registration=connection.registration,
        object_id=connection.id,
    )
