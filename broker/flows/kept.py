"""Owns a step that several flows share, no verb of its own: everything that is kept of one User, opened, and the terms.

Refuses to mix two moments of a Connection: its row and what is sealed in it belong together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from broker.domain.connection import Connection, ConnectionStatus, KeptAttribute
from broker.domain.errors import Fault, NotFound, SealBroken
from broker.domain.ids import ApplicationId, UserId
from broker.domain.policy import Keep
from broker.flows.broken_seal import mark
from broker.flows.found import Access, ConnectionInFull, Records
from broker.flows.ports import Ports
from broker.flows.sealed import open_attributes
from broker.flows.told import redeemed, told

_TRIES = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptOnTerms:
    """One attribute. `terms` None: the policy does not allow it any more, and it is about to go.

    `told`: Applications that were given tokens which may have it.
    """

    kept: KeptAttribute = field(repr=False)
    terms: Keep | None
    told: tuple[ApplicationId, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptConnection:
    """`attributes` None: what is kept does not open. `missing`: what the User could add, as it is theirs to correct."""

    connection: Connection
    attributes: tuple[KeptOnTerms, ...] | None
    missing: tuple[tuple[str, Keep], ...]

    @property
    def is_live(self) -> bool:
        """Whether it was not revoked."""
        return self.connection.status is not ConnectionStatus.REVOKED


@dataclass(frozen=True, kw_only=True, slots=True)
class EverythingKept:
    """`records` as the store tells them; the Connections, the oldest first, with what is sealed in them."""

    records: Records = field(repr=False)
    connections: tuple[KeptConnection, ...]


async def everything_kept(user_id: UserId, ports: Ports) -> EverythingKept:
    """Of this User. Raises `NotFound` or `Fault`."""
    for _ in range(_TRIES):
        records = await ports.store.records_of(user_id)
        if not records["users"] or not records["data_keys"]:
            raise NotFound(detail="no User of this id is known, or their key was destroyed")
        access = await ports.store.access_of(user_id)
        found = await ports.store.connections_of(user_id)
        told_of = {row["id"]: row["generation"] for row in records["connections"]}
        if told_of == {one.connection.id: one.connection.generation for one in found}:
            connections = tuple([await _kept(one, access, ports) for one in found])
            return EverythingKept(records=records, connections=connections)
    raise Fault("contention", "Somebody is signing in at this very moment. Please try again.")


async def _kept(found: ConnectionInFull, access: Sequence[Access], ports: Ports) -> KeptConnection:
    connection, clients = found.connection, found.clients
    terms = ports.policy.keeps(connection.registration, clients, found.agreed)
    try:
        kept = await open_attributes(connection, found.data_key, ports.vault)
    except SealBroken:
        await mark(connection, ports.store, ports.clock)
        return KeptConnection(connection=connection, attributes=None, missing=())
    grants = redeemed(access, connection.id)
    attributes = tuple(
        KeptOnTerms(
            kept=a,
            terms=terms.get(a.name),
            told=told(a.name, connection.registration, clients, grants, ports.policy),
        )
        for a in kept
    )
    names = {a.name for a in kept}
    one = KeptConnection(connection=connection, attributes=attributes, missing=())
    if not one.is_live:
        return one
    missing = tuple((name, keep) for name, keep in terms.items() if keep.correctable and name not in names)
    return KeptConnection(connection=connection, attributes=attributes, missing=missing)
