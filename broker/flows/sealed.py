"""Owns a step that several flows share, no verb of its own: a Connection's envelopes, opened and sealed at their place.

Plaintext tokens are handled here, in `sign_in/` and in `connections/`; nothing else sees one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from broker.domain import scope
from broker.domain.connection import TABLE as CONNECTIONS
from broker.domain.connection import (
    Connection,
    ConnectionStatus,
    KeptAttribute,
    UpstreamTokens,
    attributes_from_bytes,
    attributes_to_bytes,
)
from broker.domain.errors import SealBroken
from broker.domain.ids import ClientOrgId
from broker.domain.policy import Context
from broker.domain.sealing import Place, WrappedKey
from broker.flows.found import GrantInFull
from broker.flows.ports import Ports, Vault


async def open_attributes(connection: Connection, key: WrappedKey, vault: Vault) -> tuple[KeptAttribute, ...]:
    """The kept attributes; none of a revoked Connection. Raises `SealBroken`."""
    if connection.sealed_attributes is None:
        return ()
    place = _place(connection, "sealed_attributes")
    return attributes_from_bytes(await vault.open(key, place, connection.sealed_attributes))


async def open_tokens(connection: Connection, key: WrappedKey, vault: Vault) -> UpstreamTokens | None:
    """The Provider's tokens; None of a revoked Connection. Raises `SealBroken`."""
    if connection.sealed_tokens is None:
        return None
    return UpstreamTokens.from_bytes(
        await vault.open(key, _place(connection, "sealed_tokens"), connection.sealed_tokens)
    )


async def seal(
    connection: Connection,
    kept: tuple[KeptAttribute, ...],
    tokens: UpstreamTokens,
    key: WrappedKey,
    vault: Vault,
) -> tuple[bytes, bytes]:
    """(sealed_attributes, sealed_tokens) for `connection` as it is to be written, its new generation included."""
    return (
        await vault.seal(key, _place(connection, "sealed_attributes"), attributes_to_bytes(kept)),
        await vault.seal(key, _place(connection, "sealed_tokens"), tokens.to_bytes()),
    )


async def resealed(before: Connection, old: WrappedKey, new: WrappedKey, vault: Vault) -> Connection:
    """The Connection in its next generation, what is sealed in it under another data key. Raises `SealBroken`."""
    after = replace(before, generation=before.generation + 1)
    for column in ("sealed_attributes", "sealed_tokens"):
        envelope: bytes | None = getattr(before, column)
        if envelope is not None:
            plaintext = await vault.open(old, _place(before, column), envelope)
            sealed = await vault.seal(new, _place(after, column), plaintext)
            after = replace(after, **{column: sealed})  # type: ignore[arg-type]
    return after


async def keeping(before: Connection, kept: tuple[KeptAttribute, ...], key: WrappedKey, vault: Vault) -> Connection:
    """The Connection in its next generation, with these attributes and the same tokens.

    Tokens that do not open are worthless: without them, it needs a new sign-in.
    """
    after = replace(before, generation=before.generation + 1)
    envelope = await vault.seal(key, _place(after, "sealed_attributes"), attributes_to_bytes(kept))
    after = replace(after, sealed_attributes=envelope)
    try:
        tokens = await open_tokens(before, key, vault)
    except SealBroken:
        return replace(after, status=ConnectionStatus.NEEDS_REAUTH, sealed_tokens=None)
    if tokens is None:
        return after
    envelope = await vault.seal(key, _place(after, "sealed_tokens"), tokens.to_bytes())
    return replace(after, sealed_tokens=envelope)


def _place(connection: Connection, column: str) -> Place:
    return Place(
        table=CONNECTIONS,
        column=column,
        row_id=connection.id,
        owner=connection.user_id,
        registration=connection.registration,
        generation=connection.generation,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Released:
    """The attributes that may be told in one place, and the names of all that may be told somewhere."""

    values: Mapping[str, str] = field(repr=False)
    names: tuple[str, ...]


async def open_released(
    found: GrantInFull, clients: tuple[ClientOrgId, ...], context: Context, ports: Ports
) -> Released:
    """The attributes that the policy releases there for these Clients, and that the scopes of this Grant ask for.
    Optional ones only while their User agrees.

    Nothing is opened when nothing may be released anywhere. Raises `SealBroken`.
    """
    registration = found.connection.registration
    by_context = {where: ports.policy.releases(registration, clients, where) for where in Context}
    anywhere = {name for releases in by_context.values() for name in releases}
    names = {name for name in anywhere if scope.covers(found.grant.scopes, name)}
    if not names:
        return Released(values={}, names=())
    kept = await open_attributes(found.connection, found.data_key, ports.vault)
    keeps, now = ports.policy.keeps(registration, (), found.agreed), ports.clock.now()
    told = {a.name: a.value for a in kept if a.name in names & keeps.keys() and not a.is_over(keeps[a.name], now)}
    values = {name: value for name, value in told.items() if name in by_context[context]}
    return Released(values=values, names=tuple(sorted(told)))
