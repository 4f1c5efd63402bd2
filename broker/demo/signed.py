"""Checking a signed token of the broker with the published keys: the lines a downstream service has to write.

Refuses whatever is not exactly what was expected, with a reason in plain words, and trusts no header.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jwt

from broker.demo.published import ALGORITHMS, Published

SESSION_JWT_TYPES = frozenset({"at+jwt", "application/at+jwt"})  # RFC 9068 section 4
ID_TOKEN_TYPES = frozenset({None, "jwt"})
LEEWAY_SECONDS = 30
LARGEST_TOKEN = 16 * 1024


class NotValid(Exception):
    """The token is refused; `reason` is a sentence for people, without any part of the token."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


async def check(
    token: str, published: Published, *, audience: str, types: frozenset[str | None], now: int
) -> Mapping[str, Any]:
    """The claims of a token that is signed by the issuer, for this audience, of this type, and in its time.

    Raises `NotValid`, and `Unreachable` when the keys cannot be had. Source: RFC 8725, RFC 9068 section 4.
    """
    header = _header(token)
    if _lower(header.get("typ")) not in types:
        raise NotValid("It is another kind of token.")
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS or not isinstance(kid, str):
        raise NotValid("It is not signed in a way that is accepted here.")
    key = await published.key(kid)
    if key is None or key.algorithm_name != algorithm:
        raise NotValid("It is signed with a key that the broker does not publish.")
    claims = _verified(token, key)

    if claims.get("iss") != published.issuer:
        raise NotValid("It was issued by somebody else.")
    if claims.get("aud") not in (audience, [audience]):
        raise NotValid("It was issued for another service.")
    _in_time(claims, now)
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise NotValid("It names no User.")
    return claims


def _header(token: str) -> Mapping[str, Any]:
    if len(token) > LARGEST_TOKEN:
        raise NotValid("It is too long to be a token of the broker.")
    try:
        return jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise NotValid("It is not a signed token.") from None


def _verified(token: str, key: jwt.PyJWK) -> Mapping[str, Any]:
    # Times, issuer and audience are checked by the caller, against the clock it was given and without coercion.
    options: jwt.types.Options = {
        "verify_exp": False,
        "verify_nbf": False,
        "verify_iat": False,
        "verify_aud": False,
        "verify_iss": False,
        "verify_sub": False,
        "verify_jti": False,
    }
    try:
        return jwt.decode(token, key, algorithms=[key.algorithm_name], options=options)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise NotValid("Its signature is wrong.") from None


def _in_time(claims: Mapping[str, Any], now: int) -> None:
    issued, expires, not_before = claims.get("iat"), claims.get("exp"), claims.get("nbf", 0)
    if not all(type(moment) is int for moment in (issued, expires, not_before)):
        raise NotValid("It does not say when it was issued and when it expires.")
    if max(claims["iat"], not_before) > now + LEEWAY_SECONDS:
        raise NotValid("It is not valid yet.")
    if claims["exp"] <= now - LEEWAY_SECONDS:
        raise NotValid("It has expired.")


def _lower(value: Any) -> str | None:
    return value.lower() if isinstance(value, str) else None if value is None else ""
