"""Owns the code grant (RFC 6749 section 4.1.3): a one-time code becomes a session JWT and an ID token.

Refuses a code that is late, used, or not the caller's, and burns it; nothing that was withdrawn meanwhile gets a token.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from broker.domain.application import Application, ApplicationType, GrantType
from broker.domain.changes import Change, Record, RedeemGrant, ReplaceConnection, RevokeGrant
from broker.domain.connection import ConnectionStatus
from broker.domain.errors import Conflict, OAuthRefusal, SealBroken
from broker.domain.grant import CodeMisused, Rights, check_redemption
from broker.domain.ids import ApplicationId
from broker.domain.ledger import AuditEvent
from broker.domain.session_token import LIFETIME, id_token_claims, session_claims
from broker.flows.live_grant import ended, rights_of
from broker.flows.ports import GrantInFull, Ports
from broker.flows.sealed import open_released


@dataclass(frozen=True, kw_only=True, slots=True)
class Redemption:
    """A token request. `secret` is None when the Application sent none."""

    application_id: ApplicationId
    secret: str | None = field(repr=False)
    code: str = field(repr=False)
    redirect_uri: str
    code_verifier: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tokens:
    """A token answer (RFC 6749 section 5.1). `expires_in` in seconds."""

    access_token: str = field(repr=False)
    id_token: str = field(repr=False)
    expires_in: int
    scope: str


async def redeem(redemption: Redemption, ports: Ports, *, request_id: str) -> Tokens:
    """Redeem a code. Raises `OAuthRefusal`: `invalid_client`, `invalid_grant` or `unauthorized_client`.

    Presenting a used code ends the Grant, and with it the tokens of its first use (RFC 6749 section 4.1.2).
    """
    found = await ports.store.grant_by_code(ports.secrets.keyed_hash("code", redemption.code))
    if found is not None and found.application.id == redemption.application_id:
        application: Application | None = found.application
    else:
        application = await ports.store.application(redemption.application_id)
    _authenticate(application, redemption.secret, ports)
    now = ports.clock.now()
    if found is None:
        raise OAuthRefusal("invalid_grant", "The code is invalid, expired or was used before.", detail="unknown code")
    try:
        check_redemption(
            found.grant,
            application_id=redemption.application_id,
            redirect_uri=redemption.redirect_uri,
            code_verifier=redemption.code_verifier,
            now=now,
        )
    except CodeMisused:
        if found.grant.revoked_at is None:
            await ports.store.write(*_burnt(found, now))
        raise
    rights = _still_entitled(found, now)
    try:
        released = await open_released(found, tuple(rights), ports)
    except SealBroken:
        await _give_up(found, now, ports)
        raise OAuthRefusal("invalid_grant", "Please sign in again.", detail="seal broken") from None

    access_token = ports.signer.sign(
        session_claims(
            grant=found.grant,
            issuer=ports.issuer,
            audience=found.application.audience,
            jti=f"{found.grant.id}.{ports.secrets.new_id('tok')}",
            authorizations=rights,
            attributes=released,
            now=now,
        ),
        typ="at+jwt",
    )
    id_token = ports.signer.sign(
        id_token_claims(
            grant=found.grant, issuer=ports.issuer, access_token=access_token, attributes=released, now=now
        ),
        typ="JWT",
    )
    try:
        event = _event(found, now, "redeem", "done", request_id=request_id)
        await ports.store.write(RedeemGrant(grant_id=found.grant.id, at=now), Record(event=event))
    except Conflict:
        await ports.store.write(*_burnt(found, now))
        raise CodeMisused("invalid_grant", "The code was used before.", detail="lost the race for the code") from None
    return Tokens(access_token=access_token, id_token=id_token, expires_in=LIFETIME, scope=" ".join(found.grant.scopes))


def _authenticate(application: Application | None, secret: str | None, ports: Ports) -> None:
    """RFC 6749 section 2.3. An unknown Application and a wrong secret cannot be told apart."""
    if application is not None and application.type is ApplicationType.PUBLIC and secret is None:
        passed = True
    elif application is not None and application.type is ApplicationType.CONFIDENTIAL and secret:
        presented = ports.secrets.keyed_hash("application_secret", secret)
        # Every one is looked at: how long it takes must not tell which of them fits.
        passed = sum(ports.secrets.same(presented, kept) for kept in application.secrets) > 0
    else:
        passed = False
    if application is None or not passed:
        raise OAuthRefusal("invalid_client", "The application is unknown or its secret is wrong.")
    if GrantType.AUTHORIZATION_CODE not in application.grants:
        raise OAuthRefusal("unauthorized_client", "This application is not registered for this grant.")


def _still_entitled(found: GrantInFull, now: int) -> Rights:
    """What the User may do now, since a right may have been withdrawn after the code was issued."""
    rights = rights_of(found)
    if (problem := ended(found, rights, now)) is not None:
        raise OAuthRefusal("invalid_grant", "The code is not valid any more. Please sign in again.", detail=problem)
    return rights


# What follows is written beside a refusal. The refused request has a line of its own in the ledger, by its request id;
# these lines tell what became of the Grant and of the Connection.


def _burnt(found: GrantInFull, now: int) -> tuple[Change, ...]:
    """RFC 6749 section 4.1.2: the code, and the tokens of its first use."""
    event = _event(found, now, "grant.revoke", "done", reason="code_misused")
    return RevokeGrant(grant_id=found.grant.id, at=now), Record(event=event)


async def _give_up(found: GrantInFull, now: int, ports: Ports) -> None:
    """What does not open is worthless: the Connection needs a new sign-in."""
    before = found.connection
    connection = replace(
        before,
        status=ConnectionStatus.NEEDS_REAUTH,
        sealed_attributes=None,
        sealed_tokens=None,
        generation=before.generation + 1,
    )
    event = replace(_event(found, now, "vault.open", "failed", reason="seal_broken"), object_id=before.id)
    always = (RevokeGrant(grant_id=found.grant.id, at=now), Record(event=event))
    try:
        await ports.store.write(
            ReplaceConnection(connection=connection, expected_generation=before.generation), *always
        )
    except Conflict:  # a sign-in has replaced it meanwhile by one that opens, or the User has revoked it
        await ports.store.write(*always)


def _event(
    found: GrantInFull, now: int, action: str, outcome: str, *, reason: str = "", request_id: str = ""
) -> AuditEvent:
    return AuditEvent(
        at=now,
        action=action,
        outcome=outcome,
        reason=reason,
        request_id=request_id,
        user_id=found.user.id,
        application_id=found.application.id,
        registration=found.connection.registration,
        client_org=found.grant.organization,
        object_id=found.grant.id,
    )
