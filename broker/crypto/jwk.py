"""Owns public keys as JSON Web Keys (RFC 7517). Refuses private members: those of a public key are listed here."""

from __future__ import annotations

import hashlib
import json

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from broker.crypto import base64url

PublicKey = EllipticCurvePublicKey | Ed25519PublicKey | RSAPublicKey

_REQUIRED_MEMBERS = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}
"""RFC 7638 section 3.2 and RFC 8037 section 2."""


def public_members(public: PublicKey) -> dict[str, str]:
    """The required members (RFC 7518 section 6, RFC 8037 section 2), and no others."""
    if isinstance(public, EllipticCurvePublicKey):
        jwk = ECAlgorithm.to_jwk(public, as_dict=True)
    elif isinstance(public, Ed25519PublicKey):
        jwk = OKPAlgorithm.to_jwk(public, as_dict=True)
    else:
        jwk = RSAAlgorithm.to_jwk(public, as_dict=True)
    return {member: jwk[member] for member in _REQUIRED_MEMBERS[jwk["kty"]]}


def thumbprint(members: dict[str, str]) -> str:
    """RFC 7638 section 3: base64url of the SHA-256 of the required members, sorted, without white space."""
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return base64url.encode(hashlib.sha256(canonical.encode()).digest())


def public_jwk(kid: str, alg: str, members: dict[str, str]) -> dict[str, str]:
    """The key as it is published, for verifying signatures only (RFC 7517 sections 4.2, 4.4 and 4.5)."""
    return {**members, "kid": kid, "use": "sig", "alg": alg}


def spells(text: str, jwk: dict[str, str]) -> bool:
    """Whether `text` is this JWK: not one member more, not one less."""
    try:
        return bool(json.loads(text) == jwk)
    except (ValueError, RecursionError):
        return False
