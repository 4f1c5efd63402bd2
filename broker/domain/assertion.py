"""Owns what an Application's assertion about itself has to say (RFC 7523 section 3, OpenID Connect Core section 9).

Refuses one that is for anybody else than this broker, of long life, or without a name that it can be used up by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from broker.domain.ids import ApplicationId

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""`client_assertion_type` (RFC 7523 section 2.2)."""
MAX_LIFETIME = 300
"""Seconds until `exp`: so long its name is kept at least."""
TOLERANCE = 10
"""Seconds that an Application's clock may be ahead of ours (FAPI 2.0 section 5.3.2.1)."""
KEPT_LONGER = 60
"""Seconds: another process, whose clock is behind, would take it still."""
_MAX_NAME = 255


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """`name`: `jti`. After `forget_at` no process would take the assertion any more."""

    name: str
    forget_at: int


def accept(claims: Mapping[str, Any], *, application_id: ApplicationId, issuer: str, now: int) -> Accepted | str:
    """What is to be remembered of claims whose signature holds; or what is wrong with them, for the log.

    `aud` is our issuer, as a single text: a token endpoint's URL can be another server's on the same host, and of a
    list nobody can tell who else would take it (draft-ietf-oauth-security-topics-update, RFC 7523 section 3).
    """
    exp, name = claims.get("exp"), claims.get("jti")
    if claims.get("iss") != application_id or claims.get("sub") != application_id:
        return "iss and sub must both be the application"
    if type(claims.get("aud")) is not str or claims["aud"] != issuer:
        return "aud must be the issuer alone"
    if type(exp) is not int or not now < exp <= now + MAX_LIFETIME + TOLERANCE:
        return "exp is missing, past, or too far ahead"
    for early in ("iat", "nbf"):
        if early in claims and (type(claims[early]) is not int or claims[early] > now + TOLERANCE):
            return f"{early} is ahead of our clock"
    if type(name) is not str or not 1 <= len(name) <= _MAX_NAME:
        return "jti is missing or too long"
    return Accepted(name=name, forget_at=exp + KEPT_LONGER)
