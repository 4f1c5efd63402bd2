"""Owns the signatures of others: by Applications' keys. Refuses whatever the key is not for.

PyJWT verifies. Which algorithm belongs to a key is said by the key, never by the token.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from jwt import PyJWK, PyJWS
from jwt.algorithms import OKPAlgorithm
from jwt.exceptions import PyJWTError

from broker.crypto.compact_jws import compact_header, is_compact
from broker.crypto.jwk import PublicKey
from broker.domain.public_key import ALGORITHMS

LONGEST = 4096
"""Characters."""
_ANOTHER_WAY = frozenset({"crit", "b64", "zip", "enc", "jku", "jwk", "x5u", "x5c"})
"""Members by which a token would be read in another way, or by a key that it names or brings itself. What else nobody
here knows is ignored, as RFC 7515 section 4 demands."""
_BY_OLD_NAME = {"Ed25519": "EdDSA"}
"""PyJWT knows no other name for it, and keys are of Ed25519 alone."""
_JWS = PyJWS(algorithms=[alg for of_kind in ALGORITHMS.values() for alg in of_kind])
_JWS.register_algorithm("Ed25519", OKPAlgorithm())


def header_of(token: str, *, brings_key: bool = False) -> dict[str, Any] | None:
    """The header of a compact JWS; nothing of it is believed yet. `brings_key`: its key may be inside, as `jwk`."""
    header = compact_header(token) if is_compact(token, longest=LONGEST) else None
    refused = _ANOTHER_WAY - {"jwk"} if brings_key else _ANOTHER_WAY
    return None if header is None or header.keys() & refused else header


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
