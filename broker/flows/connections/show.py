"""Owns what a User sees of their Connections: each with its kept attributes opened.

Refuses to open tokens. Writes nothing but that something does not open.
"""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.connection import Connection, ConnectionStatus, KeptAttribute
from broker.domain.errors import SealBroken
from broker.domain.ids import UserId
from broker.domain.outbox import PendingRevocation
from broker.flows.broken_seal import mark
from broker.flows.ports import Ports
from broker.flows.sealed import open_attributes


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownConnection:
    """A Connection as its User may see it. `attributes` is empty when it does not open; it then needs attention.

    What the policy does not allow any more is not among them, though it may be kept still: it is about to go.

    `revocations` as in `ConnectionInFull`.
    """

    connection: Connection
    status: ConnectionStatus
    attributes: tuple[KeptAttribute, ...]
    revocations: tuple[PendingRevocation, ...]


async def show_connections(user_id: UserId, ports: Ports) -> tuple[ShownConnection, ...]:
    """All Connections of a User, revoked ones included."""
    shown: list[ShownConnection] = []
    for found in await ports.store.connections_of(user_id):
        status = found.connection.status
        try:
            attributes = await open_attributes(found.connection, found.data_key, ports.vault)
        except SealBroken:
            attributes, status = (), ConnectionStatus.NEEDS_REAUTH
            await mark(found.connection, ports.store, ports.clock)
        allowed = ports.policy.keeps(found.connection.registration, found.clients, found.agreed)
        now = ports.clock.now()
        attributes = tuple(a for a in attributes if a.name in allowed and not a.is_over(allowed[a.name], now))
        shown.append(
            ShownConnection(
                connection=found.connection, status=status, attributes=attributes, revocations=found.revocations
            )
        )
    return tuple(shown)
