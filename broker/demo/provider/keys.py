"""The demo Provider's signing keys: one signs, the ones before it stay published until they are retired.

Never hands out a private key, nor publishes one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

RSA_BITS = 2048  # RFC 7518 section 3.3


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningKey:
    """One RSA key and the id under which it is published."""

    kid: str
    private: rsa.RSAPrivateKey = field(repr=False)

    def public_jwk(self) -> dict[str, Any]:
        """The public half as a JWK (RFC 7517)."""
        return {**_public_numbers(self.private), "kid": self.kid, "use": "sig", "alg": "RS256"}


def new_key() -> SigningKey:
    """A fresh key whose id follows from its modulus."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    kid = hashlib.sha256(_public_numbers(private)["n"].encode()).hexdigest()[:40]
    return SigningKey(kid=kid, private=private)


def _public_numbers(private: rsa.RSAPrivateKey) -> dict[str, Any]:
    jwk = RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
    return {name: jwk[name] for name in ("kty", "n", "e")}


class SigningKeys:
    """The current key and the older ones which are still published."""

    def __init__(self) -> None:
        self.current = new_key()
        self._older: list[SigningKey] = []

    def rotate(self) -> None:
        """Sign with a new key from now on; the old one stays published."""
        self._older.append(self.current)
        self.current = new_key()

    def retire_old(self) -> None:
        """Publish the current key only."""
        self._older.clear()

    def jwks(self) -> dict[str, Any]:
        """The published set (RFC 7517 section 5), newest key first."""
        return {"keys": [key.public_jwk() for key in (self.current, *reversed(self._older))]}
