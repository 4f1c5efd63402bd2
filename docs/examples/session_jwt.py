"""What a downstream service does with a session JWT. Needs PyJWT with its `crypto` extra."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jwt


class Broker:
    """The broker at `issuer`, as a service sees it which is known there by its `audience`."""

    def __init__(self, issuer: str, audience: str) -> None:
        self.issuer, self.audience = issuer, audience
        self.keys = jwt.PyJWKClient(f"{issuer}/.well-known/jwks.json", lifespan=300)

    def claims(self, token: str) -> Mapping[str, Any]:
        """The claims of a session JWT. Raises `jwt.PyJWTError` for everything else."""
        if jwt.get_unverified_header(token).get("typ") != "at+jwt":
            raise jwt.InvalidTokenError("another kind of token")
        claims = jwt.decode(
            token,
            self.keys.get_signing_key_from_jwt(token),
            algorithms=["ES256", "EdDSA", "RS256"],
            issuer=self.issuer,
            audience=self.audience,
            leeway=30,
            options={"require": ["exp", "iat", "iss", "aud", "sub"], "strict_aud": True},
        )
        if "cnf" in claims:  # RFC 9449: good together with a proof, which is not looked at here
            raise jwt.InvalidTokenError("bound to a key")
        return claims


def may(claims: Mapping[str, Any], client_org: str, right: str) -> bool:
    """Whether this Client gave the User this right. Absent means no."""
    return right in claims.get("authorizations", {}).get(client_org, [])
