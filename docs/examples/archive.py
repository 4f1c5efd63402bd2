"""Checks the signature of an archive that the broker made. Needs PyJWT with its `crypto` extra."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import jwt


def checked(content: bytes, issuer: str) -> dict[str, Any]:
    """What is in the archive. Raises `jwt.PyJWTError` unless the broker at `issuer` has signed just this."""
    document = json.loads(content)
    archive, signature = document["archive"], document["signature"]
    if jwt.get_unverified_header(signature).get("typ") != "archive+jwt":
        raise jwt.InvalidTokenError("another kind of signature")
    keys = jwt.PyJWKClient(f"{issuer}/.well-known/jwks.json")
    claims = jwt.decode(
        signature,
        keys.get_signing_key_from_jwt(signature),
        algorithms=["ES256", "EdDSA", "RS256"],
        issuer=issuer,
        options={"require": ["iss", "sub", "iat"]},
    )
    form = json.dumps(archive, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    if claims.get("archive_digest") != f"sha-256:{hashlib.sha256(form).hexdigest()}":
        raise jwt.InvalidTokenError("another archive was signed, or it was changed")
    return dict(archive)
