"""An Application that proves itself by a key: its entry in the `broker apply` file, and what it signs."""

from __future__ import annotations

import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from broker.crypto.jwk import public_members

PRIVATE = ec.generate_private_key(ec.SECP256R1())
JWKS = {"keys": [public_members(PRIVATE.public_key())]}


def assertion(application: str, issuer: str, now: int, **changes: Any) -> str:
    """One that holds, for a minute, with these changes; ... leaves a claim out."""
    claims = {"iss": application, "sub": application, "aud": issuer, "exp": now + 60, "iat": now, "jti": "one"}
    told = {name: value for name, value in (claims | changes).items() if value is not ...}
    return jwt.PyJWS().encode(json.dumps(told).encode(), PRIVATE, algorithm="ES256")
