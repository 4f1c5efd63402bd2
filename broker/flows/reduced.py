"""Owns a step that several flows share, no verb of its own: a Connection of which less may be had than before.

What its attributes do not need any more, no token may reach: such tokens go, and the Provider is told of them.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace

from broker.domain.changes import AddPendingRevocation, Change, Record
from broker.domain.connection import Connection, ConnectionStatus, KeptAttribute
from broker.domain.errors import SealBroken
from broker.domain.ledger import AuditEvent
from broker.flows.found import ConnectionInFull
from broker.flows.ports import Ports, Upstream
from broker.flows.sealed import keeping
from broker.flows.to_revoke import to_revoke


@dataclass(frozen=True, kw_only=True, slots=True)
class Reduced:
    """The Connection in its next generation, and what is to be written with it. `ended`: its tokens went."""

    connection: Connection
    changes: tuple[Change, ...] = ()
    ended: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class WithoutConsent:
    """What may stay of a Connection once something is taken back, and the scopes that its tokens have `beyond` that."""

    allowed: Collection[str]
    beyond: frozenset[str]


def without_permission(connection: Connection, gone: Collection[str], ports: Ports) -> frozenset[str]:
    """The scopes that its tokens have for what is `gone`, and that no sign-in asks for any more.

    Not those that a Provider grants unasked: it would grant them again each time.
    """
    asked = ports.policy.keeps(connection.registration)
    return _not_needed(connection, {*gone, *asked}, asked, ports.upstream)


def without_consent(found: ConnectionInFull, subject: str, ports: Ports) -> WithoutConsent:
    """Of a User who takes back what they said about `subject`."""
    connection, clients = found.connection, found.clients
    before = ports.policy.keeps(connection.registration, clients, found.agreed)
    after = ports.policy.keeps(connection.registration, clients, found.agreed - {subject})
    return WithoutConsent(allowed=after, beyond=_not_needed(connection, before, after, ports.upstream))


def _not_needed(
    connection: Connection, before: Collection[str], after: Collection[str], upstream: Upstream
) -> frozenset[str]:
    """The scopes that its tokens have for attributes which were allowed `before`, and for none that is `after`."""
    registration = connection.registration
    if connection.sealed_tokens is None or registration not in upstream.registrations:
        return frozenset()
    needed_before, needed_after = (frozenset(upstream.scopes_for(registration, frozenset(n))) for n in (before, after))
    return connection.granted_scopes & (needed_before - needed_after)


async def reduced(
    found: ConnectionInFull, staying: tuple[KeptAttribute, ...], ports: Ports, now: int, *, ends: str
) -> Reduced:
    """With these attributes; without its tokens where `ends`, a code for the ledger, says why. Raises `SealBroken`.

    "": they stay. Those that do not open are worthless and go in any case, and nobody can be told of them.
    """
    if ends:
        with suppress(SealBroken):
            return await without_tokens(found, staying, ports, now, why=ends)
    return Reduced(connection=await keeping(found.connection, staying, found.data_key, ports.vault))


async def without_tokens(
    found: ConnectionInFull, staying: tuple[KeptAttribute, ...], ports: Ports, now: int, *, why: str = ""
) -> Reduced:
    """With these attributes and no tokens, of which the Provider is told. Raises `SealBroken`, also of the tokens."""
    before = found.connection
    pending = await to_revoke(found, ports, now)
    bare = await keeping(replace(before, sealed_tokens=None), staying, found.data_key, ports.vault)
    event = AuditEvent(
        at=now,
        action="tokens.forget",
        outcome="done",
        reason=why,
        user_id=before.user_id,
        registration=before.registration,
        object_id=before.id,
    )
    told = () if pending is None else (AddPendingRevocation(pending=pending),)
    return Reduced(
        connection=replace(bare, status=ConnectionStatus.NEEDS_REAUTH, granted_scopes=frozenset()),
        changes=(*told, Record(event=event)),
        ended=True,
    )
