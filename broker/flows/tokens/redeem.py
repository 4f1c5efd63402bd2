"""Owns the code grant (RFC 6749 section 4.1.3): a one-time code becomes a session JWT and an ID token.

Refuses a code that is late, used, or not the caller's, and burns it; nothing that was withdrawn meanwhile gets a token.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.domain.application import Application, GrantType
from broker.domain.changes import Record, RedeemGrant
from broker.domain.errors import Conflict, OAuthRefusal
from broker.domain.grant import CODE_MISUSED, CODE_REUSED, CodeMisused, check_redemption
from broker.domain.refresh_token import bound_key
from broker.flows.authenticated import Credentials, authenticated, require_grant
from broker.flows.found import GrantInFull
from broker.flows.issued import Tokens, grant_event, issue, refresh_token_of, revoke_grant
from broker.flows.ports import Ports
from broker.flows.possession import Possession, SentProof, possession, use_up, used_once


@dataclass(frozen=True, kw_only=True, slots=True)
class Redemption:
    """A code, as an Application presents it."""

    code: str = field(repr=False)
    redirect_uri: str
    code_verifier: str = field(repr=False)


async def redeem(
    credentials: Credentials, redemption: Redemption, proof: SentProof | None, ports: Ports, *, request_id: str
) -> Tokens:
    """Redeem a code. Raises `OAuthRefusal`: `invalid_client`, `invalid_grant`, `unauthorized_client`,
    `invalid_dpop_proof`, or `invalid_request` where a proof is needed.

    Presenting a used code ends the Grant, and with it the tokens of its first use (RFC 6749 section 4.1.2); so does a
    good proof of another key than the code is bound to. A proof that is not good, or was used, changes nothing.
    """
    found = await ports.store.grant_by_code(ports.secrets.keyed_hash("code", redemption.code))
    application = await authenticated(credentials, None if found is None else found.application, ports)
    require_grant(application, GrantType.AUTHORIZATION_CODE)
    held = possession(proof, application, ports)
    now = ports.clock.now()
    if found is None:
        raise OAuthRefusal("invalid_grant", "The code is invalid, expired or was used before.", detail="unknown code")
    try:
        return await _redeemed(found, application, redemption, held, ports, now=now, request_id=request_id)
    except CodeMisused as misused:
        await _burn(found, misused, held, ports, now=now)
        raise


async def _redeemed(
    found: GrantInFull,
    application: Application,
    redemption: Redemption,
    held: Possession,
    ports: Ports,
    *,
    now: int,
    request_id: str,
) -> Tokens:
    check_redemption(
        found.grant,
        application_id=application.id,
        redirect_uri=redemption.redirect_uri,
        code_verifier=redemption.code_verifier,
        key=held.key,
        now=now,
    )
    refresh_token = refresh_token_of(found, 0, ports)
    tokens, released = await issue(
        found, ports, refresh_token=refresh_token, possession=held, now=now, nonce=found.grant.nonce
    )
    event = grant_event(found, "redeem", now=now, request_id=request_id, released=released)
    change = RedeemGrant(grant_id=found.grant.id, at=now, dpop_jkt=bound_key(application, held.key), released=released)
    try:
        await use_up(held, ports, change, Record(event=event))
    except Conflict:
        raise CodeMisused("lost the race for it", reused=True) from None
    return tokens


async def _burn(found: GrantInFull, misused: CodeMisused, held: Possession, ports: Ports, *, now: int) -> None:
    reason = CODE_REUSED if misused.reused else CODE_MISUSED
    with used_once():
        await revoke_grant(found, reason, ports, now=now, only_with=held.use_up)
