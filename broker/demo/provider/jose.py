"""Compact JWS by hand: the few lines that a Provider needs, and which a misbehaving one must be able to bend.

Signs whatever it is given; checks nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256


def base64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact(header: Mapping[str, Any], claims: Mapping[str, Any], sign: Callable[[bytes], bytes]) -> str:
    """A JWS in compact form (RFC 7515 section 3.1); `sign` turns the signing input into a signature."""
    parts = ".".join(base64url(json.dumps(part, ensure_ascii=False).encode()) for part in (header, claims))
    return f"{parts}.{base64url(sign(parts.encode()))}"


def rs256(private: RSAPrivateKey) -> Callable[[bytes], bytes]:
    """A signer by RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3)."""
    return lambda signing_input: private.sign(signing_input, PKCS1v15(), SHA256())


def half_hash(token: str) -> str:
    """`at_hash` of an access token under RS256 (OpenID Connect Core section 3.1.3.6)."""
    return base64url(hashlib.sha256(token.encode()).digest()[:16])
