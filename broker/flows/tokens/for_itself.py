"""Owns the client credentials grant (RFC 6749 section 4.4): an Application gets a session JWT for itself.

Refuses Applications that cannot prove themselves, and scopes they were not given. Writes nothing but that a proof of
possession is used up.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.domain.errors import OAuthRefusal
from broker.domain.own_token import acts_for_itself, chosen_scopes, own_claims
from broker.domain.session_token import LIFETIME
from broker.flows.authenticated import Credentials, authenticated
from broker.flows.ports import Ports
from broker.flows.possession import SentProof, possession, use_up


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnToken:
    """A token answer without a refresh token (RFC 6749 section 4.4.3). `expires_in` in seconds."""

    access_token: str = field(repr=False)
    token_type: str
    expires_in: int
    scope: str


async def token_for_itself(
    credentials: Credentials, scope: str | None, proof: SentProof | None, ports: Ports
) -> OwnToken:
    """Raises `OAuthRefusal`: `invalid_client`, `unauthorized_client`, `invalid_scope`, `invalid_dpop_proof`, or
    `invalid_request` where a proof is needed. One read; one write, if there is a proof to use up.

    Without `scope` it has none: what an Application needs, it asks for.
    """
    application = await authenticated(credentials, None, ports)
    if not acts_for_itself(application):
        raise OAuthRefusal("unauthorized_client", "This application is not registered for this grant.")
    held = possession(proof, application, ports)
    scopes = chosen_scopes(scope, application)
    claims = own_claims(
        application,
        scopes,
        issuer=ports.issuer,
        jti=ports.secrets.new_id("tok"),
        now=ports.clock.now(),
        key=held.key,
    )
    access_token = ports.signer.sign(claims, typ="at+jwt", alg=application.signing_algorithm)
    await use_up(held, ports)
    return OwnToken(access_token=access_token, token_type=held.token_type, expires_in=LIFETIME, scope=" ".join(scopes))
