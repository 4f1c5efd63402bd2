"""Owns token exchange (RFC 8693): a session JWT becomes a narrower one, for another service or for one Client alone.

Refuses tokens that are over or not the caller's to exchange, all alike; the new one never outlives the old one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from broker.domain.changes import Record
from broker.domain.dpop import bound_to
from broker.domain.errors import OAuthRefusal, SealBroken
from broker.domain.grant import narrowed
from broker.domain.policy import Context
from broker.domain.session_token import session_claims
from broker.domain.token_exchange import (
    ACCESS_TOKEN,
    Exchange,
    check_form,
    concerns,
    may_exchange,
    narrower,
    not_exchanged,
)
from broker.flows.authenticated import Credentials, authenticated
from broker.flows.broken_seal import mark
from broker.flows.issued import grant_event
from broker.flows.live_grant import spoken_for
from broker.flows.ports import Ports
from broker.flows.possession import SentProof, possession, use_up
from broker.flows.presented import ShownSessionJwt, presented
from broker.flows.sealed import open_released


@dataclass(frozen=True, kw_only=True, slots=True)
class ExchangedToken:
    """A token answer (RFC 8693 section 2.2.1): no refresh token, no ID token. `expires_in` in seconds."""

    access_token: str = field(repr=False)
    token_type: str
    issued_token_type: str
    expires_in: int
    scope: str


async def exchange(
    credentials: Credentials, asked: Exchange, proof: SentProof | None, ports: Ports, *, request_id: str
) -> ExchangedToken:
    """Exchange. Raises `OAuthRefusal`: `invalid_client`, `unauthorized_client`, `invalid_request`, `invalid_target`,
    `invalid_scope` or `invalid_dpop_proof`.

    The only write is the line of the ledger, with what uses up the proof: somebody else acts for the User from now on.
    """
    check_form(asked)
    now = ports.clock.now()
    shown = await presented(asked.subject_token, ports, now=now)
    found = None if shown is None else shown.found
    application = await authenticated(credentials, None if found is None else found.application, ports)
    if not may_exchange(application):
        raise OAuthRefusal("unauthorized_client", "This application is not registered for this grant.")
    held = possession(proof, application, ports)
    if not isinstance(shown, ShownSessionJwt) or not concerns(shown.claims, application):
        raise not_exchanged("no session JWT of this application's, or for it")
    spoken = await spoken_for(shown.claims, found, ports, now=now, asking=application)
    if isinstance(spoken, str):
        raise not_exchanged(spoken)
    if held.key is None and bound_to(shown.claims) is not None:  # else who cannot use it could make it usable
        raise not_exchanged("bound to a key, and no proof of another")
    live, rights = spoken
    new = narrower(asked, shown.claims, rights, application)
    grant = replace(live.grant, application_id=application.id, organization=new.organization, scopes=new.scopes)
    told, rights = replace(live, grant=grant, application=application), narrowed(rights, new.organization)
    try:
        released = await open_released(told, tuple(rights), Context.TOKENS, ports)
    except SealBroken:
        await mark(live.connection, ports.store, ports.clock)
        raise not_exchanged("seal broken") from None
    claims = session_claims(
        grant=grant,
        issuer=ports.issuer,
        audience=new.audience,
        jti=f"{grant.id}.{ports.secrets.new_id('tok')}",  # what ends the Grant ends this token too
        authorizations=rights,
        attributes=released.values,
        key=held.key,
        epoch=live.user.epoch,  # the rights are those of now, and so is what they are told by
        now=now,
        ends=shown.claims["exp"],
        act=new.act,
    )
    access_token = ports.signer.sign(claims, typ="at+jwt", alg=application.signing_algorithm)
    event = grant_event(told, "exchange", now=now, request_id=request_id, released=released.names)
    await use_up(held, ports, Record(event=event))
    return ExchangedToken(
        access_token=access_token,
        token_type=held.token_type,
        issued_token_type=asked.requested_token_type or ACCESS_TOKEN,
        expires_in=claims["exp"] - now,
        scope=" ".join(new.scopes),
    )
