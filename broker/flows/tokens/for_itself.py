"""Owns the client credentials grant (RFC 6749 section 4.4): an Application gets a session JWT for itself.

Refuses Applications that cannot prove themselves, and scopes they were not given. Writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.domain.errors import OAuthRefusal
from broker.domain.own_token import acts_for_itself, chosen_scopes, own_claims
from broker.domain.session_token import LIFETIME
from broker.flows.authenticated import Credentials, authenticated
from broker.flows.ports import Ports


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnToken:
    """A token answer without a refresh token (RFC 6749 section 4.4.3). `expires_in` in seconds."""

    access_token: str = field(repr=False)
    expires_in: int
    scope: str


async def token_for_itself(credentials: Credentials, scope: str | None, ports: Ports) -> OwnToken:
    """Raises `OAuthRefusal`: `invalid_client`, `unauthorized_client` or `invalid_scope`. One read.

    Without `scope` it has none: what an Application needs, it asks for.
    """
    application = await authenticated(credentials, None, ports)
    if not acts_for_itself(application):
        raise OAuthRefusal("unauthorized_client", "This application is not registered for this grant.")
    scopes = chosen_scopes(scope, application)
    jti = ports.secrets.new_id("tok")
    claims = own_claims(application, scopes, issuer=ports.issuer, jti=jti, now=ports.clock.now())
    access_token = ports.signer.sign(claims, typ="at+jwt", alg=application.signing_algorithm)
    return OwnToken(access_token=access_token, expires_in=LIFETIME, scope=" ".join(scopes))
