"""Owns a step that several flows share, no verb of its own: the tokens that a Grant gives, and its lines in the ledger.

Refuses to give any for what was withdrawn meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from broker.domain.application import GrantType
from broker.domain.changes import Change, Record, RevokeGrant
from broker.domain.disclosure import ground_of
from broker.domain.errors import Conflict, OAuthRefusal, SealBroken
from broker.domain.grant import Grant, Rights
from broker.domain.ids import GrantId, KeyThumbprint
from broker.domain.ledger import AuditEvent
from broker.domain.policy import Context
from broker.domain.refresh_token import HALF, RefreshToken, named_text, proven_text
from broker.domain.session_token import LIFETIME, id_token_claims, session_claims
from broker.flows.broken_seal import marked
from broker.flows.found import GrantInFull
from broker.flows.live_grant import ended, rights_of
from broker.flows.ports import Ports
from broker.flows.possession import Possession
from broker.flows.sealed import open_released


@dataclass(frozen=True, kw_only=True, slots=True)
class Tokens:
    """A token answer (RFC 6749 section 5.1). `expires_in` in seconds."""

    access_token: str = field(repr=False)
    id_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    token_type: str
    expires_in: int
    scope: str


async def issue(
    found: GrantInFull,
    ports: Ports,
    *,
    refresh_token: str | None,
    possession: Possession,
    now: int,
    nonce: str | None,
    narrow: GrantInFull | None = None,
) -> tuple[Tokens, tuple[str, ...]]:
    """Sign what the Grant gives as of now, and name the attributes that it tells, here and in userinfo.

    `nonce`: of the sign-in that these tokens answer. `narrow` is what they tell of the Grant, if that is less.
    Raises `OAuthRefusal` (`invalid_grant`) or `Fault`.
    """
    rights = rights_of(found)
    if (problem := ended(found, rights, now)) is not None:
        raise OAuthRefusal("invalid_grant", "It is not valid any more. Please sign in again.", detail=problem)
    told = narrow or found
    try:
        released = await open_released(told, tuple(rights), Context.TOKENS, ports)
    except SealBroken:
        await _give_up(found, now, ports)
        raise OAuthRefusal("invalid_grant", "Please sign in again.", detail="seal broken") from None
    grant = told.grant
    access_token = session_jwt_of(told, rights, released.values, ports, key=possession.key, now=now)
    id_token = ports.signer.sign(
        id_token_claims(
            grant=grant,
            issuer=ports.issuer,
            access_token=access_token,
            attributes=released.values,
            nonce=nonce,
            now=now,
        ),
        typ="JWT",
        alg=found.application.signing_algorithm,
    )
    tokens = Tokens(
        access_token=access_token,
        id_token=id_token,
        refresh_token=refresh_token,
        token_type=possession.token_type,
        expires_in=LIFETIME,
        scope=" ".join(grant.scopes),
    )
    return tokens, released.names


def session_jwt_of(
    found: GrantInFull,
    rights: Rights,
    released: Mapping[str, str],
    ports: Ports,
    *,
    key: KeyThumbprint | None = None,
    now: int,
) -> str:
    """A fresh session JWT of a Grant that stands, with these rights and attributes, bound to `key`."""
    claims = session_claims(
        grant=found.grant,
        issuer=ports.issuer,
        audience=found.application.audience,
        jti=f"{found.grant.id}.{ports.secrets.new_id('tok')}",
        authorizations=rights,
        attributes=released,
        epoch=found.user.epoch,
        key=key,
        now=now,
    )
    return ports.signer.sign(claims, typ="at+jwt", alg=found.application.signing_algorithm)


def refresh_token_of(found: GrantInFull, generation: int, ports: Ports) -> str | None:
    """The refresh token of this generation, always the same; None where the Grant has none."""
    if not found.grant.is_offline or GrantType.REFRESH_TOKEN not in found.application.grants:
        return None
    proof = proof_of(found.grant, generation, ports)
    return str(RefreshToken(grant_id=found.grant.id, generation=generation, proof=proof))


def proof_of(grant: Grant, generation: int, ports: Ports) -> str:
    """What a genuine refresh token of this Grant carries: two halves of 128 bits each."""
    return _named(grant.id, generation, ports) + _proven(grant, generation, ports)


def is_genuine(token: RefreshToken, grant: Grant, ports: Ports) -> bool:
    """Whether one that `is_ours` is a refresh token of this Grant, of whatever time."""
    proven = _proven(grant, token.generation, ports)
    return grant.is_offline and token.grant_id == grant.id and ports.secrets.same(token.proof[HALF:], proven)


def is_ours(token: RefreshToken, ports: Ports) -> bool:
    """Whether the half holds that can be checked without the Grant."""
    return ports.secrets.same(token.proof[:HALF], _named(token.grant_id, token.generation, ports))


def _proven(grant: Grant, generation: int, ports: Ports) -> str:
    return ports.secrets.keyed_hash("refresh_token", proven_text(grant, generation))[:HALF]


def _named(grant_id: GrantId, generation: int, ports: Ports) -> str:
    return ports.secrets.keyed_hash("refresh_token_name", named_text(grant_id, generation))[:HALF]


# What follows is written beside a refusal. The refused request has a line of its own in the ledger, by its request id;
# these lines tell what became of the Grant and of the Connection.


async def revoke_grant(
    found: GrantInFull, reason: str, ports: Ports, *, now: int, request_id: str = "", only_with: tuple[Change, ...] = ()
) -> None:
    """End the Grant and all its tokens. `request_id`: of a request that asks for it and is not refused.

    The User is told of what `Grant.warns` of. `only_with`: what has to be written too, or nothing is. Raises `Conflict`
    about that alone.
    """
    if found.grant.revoked_at is None:
        event = grant_event(found, "grant.revoke", now=now, reason=reason, request_id=request_id)
        revoke = RevokeGrant(grant_id=found.grant.id, reason=reason, at=now)
        await ports.store.write(*only_with, revoke, Record(event=event))


async def _give_up(found: GrantInFull, now: int, ports: Ports) -> None:
    """The Connection needs a new sign-in; the Grant, which would give less than it says, ends."""
    before = found.connection
    event = grant_event(found, "vault.open", now=now, reason="seal_broken")
    event = replace(event, outcome="failed", object_id=before.id)
    always = (RevokeGrant(grant_id=found.grant.id, reason="seal_broken", at=now), Record(event=event))
    try:
        await ports.store.write(marked(before), *always)
    except Conflict:  # a sign-in has replaced it meanwhile by one that opens, or the User has revoked it
        await ports.store.write(*always)


def grant_event(
    found: GrantInFull,
    action: str,
    *,
    now: int,
    reason: str = "",
    request_id: str = "",
    released: Collection[str] = (),
) -> AuditEvent:
    """A line of the ledger about this Grant. `released`: what its Application was told, if it was anything."""
    return AuditEvent(
        at=now,
        action=action,
        outcome="done",
        reason=reason,
        request_id=request_id,
        user_id=found.user.id,
        application_id=found.application.id,
        registration=found.connection.registration,
        client_org=found.grant.organization,
        object_id=found.grant.id,
        released=tuple(sorted(released)),
        ground=ground_of(found.application) if released else "",
    )
