"""Signing keys of the fake Providers, made once a worker, and tokens signed with them in right and wrong ways.

Written on `cryptography` alone: the library under test must not vouch for itself.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

Json = dict[str, Any]
Sign = Callable[[bytes], bytes]

_HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
_CURVES = {"ES256": (ec.SECP256R1(), "P-256"), "ES384": (ec.SECP384R1(), "P-384"), "ES512": (ec.SECP521R1(), "P-521")}


@dataclass(frozen=True, kw_only=True)
class FakeKey:
    """A private key and its public half as a JWK (RFC 7517)."""

    kid: str
    algorithm: str
    private: Any = field(repr=False)
    jwk: Json

    def sign(self, signed: bytes) -> bytes:
        """A right signature of `algorithm` (RFC 7518 section 3, RFC 8037 section 3.1)."""
        if self.algorithm == "EdDSA":
            return bytes(self.private.sign(signed))
        digest = _HASHES[self.algorithm[2:]]
        if self.algorithm.startswith("RS"):
            return bytes(self.private.sign(signed, padding.PKCS1v15(), digest))
        if self.algorithm.startswith("PS"):
            salted = padding.PSS(padding.MGF1(digest), padding.PSS.DIGEST_LENGTH)
            return bytes(self.private.sign(signed, salted, digest))
        size = (self.private.key_size + 7) // 8
        r, s = decode_dss_signature(self.private.sign(signed, ec.ECDSA(digest)))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")


@cache
def key(kid: str, algorithm: str = "RS256", bits: int = 2048) -> FakeKey:
    """The key of this name; always the same one within a worker."""
    members: Json
    private: Any
    if algorithm == "EdDSA":
        private = ed25519.Ed25519PrivateKey.generate()
        members = {"kty": "OKP", "crv": "Ed25519", "x": base64url(private.public_key().public_bytes_raw())}
    elif algorithm in _CURVES:
        curve, name = _CURVES[algorithm]
        private = ec.generate_private_key(curve)
        numbers, size = private.public_key().public_numbers(), (curve.key_size + 7) // 8
        members = {"kty": "EC", "crv": name, "x": _fixed(numbers.x, size), "y": _fixed(numbers.y, size)}
    else:
        private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        modulus = private.public_key().public_numbers().n
        members = {"kty": "RSA", "n": _fixed(modulus, (bits + 7) // 8), "e": "AQAB"}
    jwk = {**members, "kid": kid, "use": "sig", "alg": algorithm}
    return FakeKey(kid=kid, algorithm=algorithm, private=private, jwk=jwk)


def header_of(signer: FakeKey) -> Json:
    """The header of a right token."""
    return {"alg": signer.algorithm, "kid": signer.kid, "typ": "JWT"}


def compact(header: Mapping[str, Any], claims: object, sign: Sign) -> str:
    """A JWS in compact form (RFC 7515 section 7.1), signed by whatever `sign` does."""
    signed = f"{base64url(json.dumps(header).encode())}.{base64url(json.dumps(claims).encode())}"
    return f"{signed}.{base64url(sign(signed.encode()))}"


def half_hash(value: str, algorithm: str) -> str:
    """`at_hash` and `c_hash` (OpenID Connect Core section 3.1.3.6)."""
    name = "sha512" if algorithm == "EdDSA" else f"sha{algorithm[2:]}"
    digest = hashlib.new(name, value.encode()).digest()
    return base64url(digest[: len(digest) // 2])


def base64url(value: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _fixed(number: int, size: int) -> str:
    return base64url(number.to_bytes(size, "big"))
