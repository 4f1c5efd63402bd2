"""Owns the signatures that Applications prove themselves by. Refuses whatever the key is not for.

PyJWT verifies. Which algorithm belongs to a key is said by the key, never by the token.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from jwt import PyJWK, PyJWS
from jwt.exceptions import PyJWTError

from broker.crypto import base64url
from broker.crypto.jwk import PublicKey
from broker.domain.public_key import ALGORITHMS, algorithms_of

MAX_ASSERTION = 4096
"""Characters."""
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_JWS = PyJWS(algorithms=[alg for of_kind in ALGORITHMS.values() for alg in of_kind])
_MEMBERS = frozenset({"alg", "kid", "typ"})
_TYPES = ("JWT", "jwt", "client-authentication+jwt")
"""A token of another kind, signed with the same key for another purpose, is none (RFC 8725 section 3.11)."""


def claims_by(assertion: str, keys: Sequence[str]) -> dict[str, Any] | None:
    """The claims of a JWT that one of these keys (JWK, JSON) has signed, or None."""
    if len(assertion) > MAX_ASSERTION or _COMPACT.fullmatch(assertion) is None:
        return None
    header = _json(assertion.partition(".")[0])
    if not isinstance(header, dict) or not header.keys() <= _MEMBERS or header.get("typ", "JWT") not in _TYPES:
        return None
    for key in keys:
        jwk = json.loads(key)
        if header.get("alg") in algorithms_of(jwk) and header.get("kid", jwk.get("kid")) == jwk.get("kid"):
            claims = _verified(assertion, key, header["alg"])
            if claims is not None:
                return claims
    return None


def _verified(assertion: str, key: str, alg: str) -> dict[str, Any] | None:
    try:
        claims = json.loads(_JWS.decode(assertion, _loaded(key, alg), algorithms=[alg]))
    except (PyJWTError, ValueError, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None


@lru_cache(maxsize=256)
def _loaded(key: str, alg: str) -> PublicKey:
    """Raises `PyJWTError` or `ValueError`, as for a point that is not on the curve."""
    loaded: PublicKey = PyJWK.from_json(key, alg).key
    return loaded


def _json(part: str) -> object:
    try:
        return json.loads(base64url.decode(part) or b"")
    except (ValueError, RecursionError):
        return None
