"""Owns the signatures by which software proves that it holds a key which it brings along (RFC 9449 section 4.2).

Refuses private keys, weak ones, two spellings of one key, and every other kind of token.
"""

from __future__ import annotations

import json
from typing import Any

from broker.crypto.foreign_jws import claims_of, header_of, loaded
from broker.crypto.jwk import public_members, thumbprint
from broker.domain.dpop import TYPE
from broker.domain.ids import KeyThumbprint
from broker.domain.public_key import algorithms_of, members_of


def proven_by(proof: str) -> tuple[dict[str, Any], KeyThumbprint] | None:
    """The claims of a proof, and the thumbprint (RFC 7638) of the key that is in it and has signed it; or None."""
    header = header_of(proof, brings_key=True)
    if header is None or header.get("typ") != TYPE:
        return None
    jwk: Any = header.get("jwk")
    alg = header.get("alg")
    members = members_of(jwk)
    if members is None or alg not in algorithms_of(jwk):
        return None
    key = json.dumps(members, sort_keys=True)
    claims = claims_of(proof, key, alg)
    if claims is None or public_members(loaded(key, alg)) != members:
        return None
    return claims, KeyThumbprint(thumbprint(members))
