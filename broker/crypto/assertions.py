"""Owns the signatures that Applications prove themselves by. Refuses whatever the key is not for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from broker.crypto.foreign_jws import claims_of, header_of
from broker.domain.public_key import algorithms_of

_TYPES = ("JWT", "jwt", "client-authentication+jwt")
"""A token of another kind, signed with the same key for another purpose, is none (RFC 8725 section 3.11)."""


def claims_by(assertion: str, keys: Sequence[str]) -> dict[str, Any] | None:
    """The claims of a JWT that one of these keys (JWK, JSON) has signed, or None."""
    header = header_of(assertion)
    if header is None or header.get("typ", "JWT") not in _TYPES:
        return None
    for key in keys:
        jwk = json.loads(key)
        if header.get("alg") in algorithms_of(jwk) and header.get("kid", jwk.get("kid")) == jwk.get("kid"):
            claims = claims_of(assertion, key, header["alg"])
            if claims is not None:
                return claims
    return None
