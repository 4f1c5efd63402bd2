"""Owns answering for what is kept of one User: which attributes, since when, why, and who was told.

Refuses to hand out a value unless somebody asked for values, and then not before the ledger has a line about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from broker.domain.changes import Record
from broker.domain.connection import Connection
from broker.domain.errors import NotFound, SealBroken
from broker.domain.ids import ApplicationId, ClientOrgId, UserId
from broker.domain.ledger import AuditEvent
from broker.domain.policy import AttributePolicy
from broker.domain.sealing import SYSTEM_OWNER
from broker.flows.broken_seal import mark
from broker.flows.found import ConnectionInFull, GrantInContext
from broker.flows.ports import Clock, Vault
from broker.flows.sealed import open_attributes
from broker.flows.store import Store
from broker.flows.told import redeemed, told


@dataclass(frozen=True, kw_only=True, slots=True)
class ExplainedAttribute:
    """`since`, `until` in seconds since the epoch. `purpose` None: it is not allowed any more, and is about to go.

    `until` None: no end is set but the Connection's. `update`: at which sign-ins the Provider's value is taken.
    `consent`: what the User has agreed to for it. `correctable`, `corrected`: whether they may, or did, put it right.
    `allowed_by`: those of the User's Clients that let it be kept; none are needed of a User who acts for none.
    `told`: Applications that were given tokens which may have it. `value` None: it was not asked for.
    """

    name: str
    since: int
    until: int | None
    purpose: str | None
    update: str | None
    consent: str | None
    correctable: bool
    corrected: bool
    allowed_by: tuple[ClientOrgId, ...]
    told: tuple[ApplicationId, ...]
    value: str | None = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExplainedConnection:
    """`attributes` None: what is kept does not open."""

    connection: Connection
    clients: tuple[ClientOrgId, ...]
    attributes: tuple[ExplainedAttribute, ...] | None


async def explain(
    user_id: UserId, policy: AttributePolicy, store: Store, vault: Vault, clock: Clock, *, with_values: bool
) -> tuple[ExplainedConnection, ...]:
    """Each Connection of the User, the oldest first. Raises `NotFound` or `Fault`."""
    key = await store.data_key(user_id)
    if key is None or key.owner == SYSTEM_OWNER:
        raise NotFound(detail="no User of this id is known")
    access = await store.access_of(user_id)
    explained = [
        await _explained(
            found,
            redeemed(access, found.connection.id),
            policy,
            vault,
            with_values=with_values,
        )
        for found in await store.connections_of(user_id)
    ]
    for one in explained:
        if one.attributes is None:
            await mark(one.connection, store, clock)
    events = [
        AuditEvent(
            at=clock.now(),
            action="attributes.show",
            outcome="done",
            user_id=user_id,
            registration=one.connection.registration,
            object_id=one.connection.id,
        )
        for one in explained
        if with_values and one.attributes
    ]
    await store.write(*(Record(event=event) for event in events))
    return tuple(explained)


async def _explained(
    found: ConnectionInFull,
    grants: Sequence[GrantInContext],
    policy: AttributePolicy,
    vault: Vault,
    *,
    with_values: bool,
) -> ExplainedConnection:
    try:
        kept = await open_attributes(found.connection, found.data_key, vault)
    except SealBroken:
        return ExplainedConnection(connection=found.connection, clients=found.clients, attributes=None)
    registration, clients, agreed = found.connection.registration, found.clients, found.agreed
    allowed = policy.keeps(registration, clients, agreed)
    attributes = tuple(
        ExplainedAttribute(
            name=attribute.name,
            since=attribute.since,
            until=None if keep is None else attribute.until(keep),
            purpose=None if keep is None else keep.purpose,
            update=None if keep is None else keep.update.value,
            consent=None if keep is None else keep.consent,
            correctable=keep is not None and keep.correctable,
            corrected=attribute.corrected,
            allowed_by=tuple(c for c in clients if attribute.name in policy.keeps(registration, (c,), agreed)),
            told=told(attribute.name, registration, clients, grants, policy),
            value=attribute.value if with_values else None,
        )
        for attribute in kept
        for keep in (allowed.get(attribute.name),)
    )
    return ExplainedConnection(connection=found.connection, clients=clients, attributes=attributes)
