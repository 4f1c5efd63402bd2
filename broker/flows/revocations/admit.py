"""Owns who may follow revocations: an Application that acts for itself, and was given the scope.

Refuses Users' tokens, and those of Applications that are gone or may not any more. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from broker.domain.errors import OAuthRefusal
from broker.domain.ids import ApplicationId
from broker.domain.own_token import is_own, may_have
from broker.domain.revocation import SCOPE
from broker.flows.live_grant import claims_of, invalid_token
from broker.flows.ports import Ports
from broker.flows.possession import ShownToken


@dataclass(frozen=True, kw_only=True, slots=True)
class Follower:
    """An Application that follows, by a token with these claims, until that expires."""

    application_id: ApplicationId
    claims: Mapping[str, Any] = field(repr=False)
    expires_at: int


async def admit(shown: ShownToken, ports: Ports) -> Follower:
    """Raises `OAuthRefusal`: `invalid_token`, `invalid_dpop_proof` or `insufficient_scope` (RFC 6750 section 3.1).

    The token's audience is not looked at. Whoever has been shown somebody else's token could follow with it, and would
    learn what every follower does: ids that mean nothing without the tokens that they are in.
    """
    claims = claims_of(shown, ports)
    if SCOPE not in str(claims.get("scope", "")).split(" ") or not is_own(claims):
        raise OAuthRefusal("insufficient_scope", f"The token needs the scope {SCOPE}.")
    application = await ports.store.application(ApplicationId(str(claims.get("client_id", ""))))
    if application is None or not may_have(application, claims):
        raise invalid_token("application removed, or may not follow any more")
    return Follower(application_id=application.id, claims=claims, expires_at=claims["exp"])
