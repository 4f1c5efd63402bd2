"""Owns the signatures of others: by Applications' keys. Refuses whatever the key is not for.

PyJWT verifies. Which algorithm belongs to a key is said by the key, never by the token.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from jwt import PyJWK, PyJWS
from jwt.algorithms import OKPAlgorithm
from jwt.exceptions import PyJWTError

from broker.crypto import base64url
from broker.crypto.jwk import PublicKey
from broker.domain.public_key import ALGORITHMS

LONGEST = 4096
"""Characters."""
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_BY_OLD_NAME = {"Ed25519": "EdDSA"}
"""PyJWT knows no other name for it, and keys are of Ed25519 alone."""
_JWS = PyJWS(algorithms=[alg for of_kind in ALGORITHMS.values() for alg in of_kind])
_JWS.register_algorithm("Ed25519", OKPAlgorithm())


def header_of(token: str, members: frozenset[str]) -> dict[str, Any] | None:
    """The header of a compact JWS, if it has no others than these `members`; nothing of it is believed yet."""
    if len(token) > LONGEST or _COMPACT.fullmatch(token) is None:
        return None
    try:
        header = json.loads(base64url.decode(token.partition(".")[0]) or b"")
    except (ValueError, RecursionError):
        return None
    return header if isinstance(header, dict) and header.keys() <= members else None


def claims_of(token: str, key: str, alg: str) -> dict[str, Any] | None:
    """The claims that this key (JWK, JSON) has signed, or None. `alg` is one that the key is for."""
    try:
        claims = json.loads(_JWS.decode(token, loaded(key, alg), algorithms=[alg]))
    except (PyJWTError, ValueError, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None


@lru_cache(maxsize=256)
def loaded(key: str, alg: str) -> PublicKey:
    """Raises `PyJWTError` or `ValueError`, as for a point that is not on the curve."""
    found: PublicKey = PyJWK.from_json(key, _BY_OLD_NAME.get(alg, alg)).key
    return found
