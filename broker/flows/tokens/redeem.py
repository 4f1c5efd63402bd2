"""Owns the code grant (RFC 6749 section 4.1.3): a one-time code becomes a session JWT and an ID token.

Refuses a code that is late, used, or not the caller's, and burns it; nothing that was withdrawn meanwhile gets a token.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.domain.application import GrantType
from broker.domain.changes import Record, RedeemGrant
from broker.domain.errors import Conflict, OAuthRefusal
from broker.domain.grant import CodeMisused, check_redemption
from broker.flows.authenticated import Credentials, authenticated, require_grant
from broker.flows.issued import Tokens, grant_event, issue, refresh_token_of, revoke_grant
from broker.flows.ports import Ports


@dataclass(frozen=True, kw_only=True, slots=True)
class Redemption:
    """A code, as an Application presents it."""

    code: str = field(repr=False)
    redirect_uri: str
    code_verifier: str = field(repr=False)


async def redeem(credentials: Credentials, redemption: Redemption, ports: Ports, *, request_id: str) -> Tokens:
    """Redeem a code. Raises `OAuthRefusal`: `invalid_client`, `invalid_grant` or `unauthorized_client`.

    Presenting a used code ends the Grant, and with it the tokens of its first use (RFC 6749 section 4.1.2).
    """
    found = await ports.store.grant_by_code(ports.secrets.keyed_hash("code", redemption.code))
    application = await authenticated(credentials, None if found is None else found.application, ports)
    require_grant(application, GrantType.AUTHORIZATION_CODE)
    now = ports.clock.now()
    if found is None:
        raise OAuthRefusal("invalid_grant", "The code is invalid, expired or was used before.", detail="unknown code")
    try:
        check_redemption(
            found.grant,
            application_id=application.id,
            redirect_uri=redemption.redirect_uri,
            code_verifier=redemption.code_verifier,
            now=now,
        )
        tokens = await issue(found, ports, refresh_token=refresh_token_of(found, 0, ports), now=now)
        try:
            event = grant_event(found, "redeem", now=now, request_id=request_id)
            await ports.store.write(RedeemGrant(grant_id=found.grant.id, at=now), Record(event=event))
        except Conflict:
            raise CodeMisused("invalid_grant", "The code was used before.", detail="lost the race for it") from None
    except CodeMisused:
        await revoke_grant(found, "code_misused", ports, now=now)
        raise
    return tokens
