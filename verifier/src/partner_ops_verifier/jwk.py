"""Owns public keys: a JWK Set (RFC 7517) becomes keys that verify, each bound to one algorithm; so does a proof's key.

Refuses keys that are weak, for another use or algorithm, private, or named twice; the others of the set stay good.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, AsymmetricPadding, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from partner_ops_verifier.spelling import base64url

MOST_KEYS: Final = 64
LONGEST_KID: Final = 256
RSA_BITS: Final = range(2048, 8193)
"""At least what RFC 7518 section 3.3 asks; at most what a flood of tokens can be checked with."""
SMALLEST_EXPONENT: Final = 65537
"""FIPS 186-5 appendix A.1.1."""

Verify = Callable[[bytes, bytes, bytes], bool]
"""(signature, message, SHA-256 of the message) -> whether it is good. Of the last two an algorithm takes one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifyingKey:
    """A public key, parsed once. `material` tells whether two are the same."""

    kid: str
    alg: str
    material: tuple[str, ...] = field(repr=False)
    verify: Verify = field(repr=False, compare=False)


def key_set(document: Mapping[str, Any], known: Mapping[str, VerifyingKey]) -> dict[str, VerifyingKey]:
    """The usable keys of a JWK Set, by `kid`. A key of `known` that is still the same stays the same object.

    Raises `ValueError` where the document is no JWK Set.
    """
    members = document.get("keys")
    if not isinstance(members, list) or len(members) > MOST_KEYS:
        raise ValueError("not a JWK Set")
    keys = [key for member in members if (key := _usable(member)) is not None]
    return {key.kid: _same(key, known) for key in keys if _once(key.kid, members)}


def proving_key(jwk: Any, alg: Any) -> tuple[str, Verify]:
    """The thumbprint (RFC 7638) of a key that a proof brings along (RFC 9449 section 4.2), and how it verifies.

    Raises `ValueError` for a private or weak key, for an algorithm that it is not for, and for a second spelling of it.
    """
    if not isinstance(jwk, dict) or jwk.keys() & _PRIVATE or not isinstance(alg, str):
        raise ValueError("no public key")
    kind = jwk.get("kty")
    names, loads = _PROVING.get(kind, ((), {})) if isinstance(kind, str) else ((), {})
    if alg not in loads or jwk.get("alg", alg) != alg or jwk.get("use", "sig") != "sig":
        raise ValueError("not the algorithm of the key")
    material = {name: value for name in names if isinstance(value := jwk.get(name), str)}
    if len(material) != len(names):
        raise ValueError("no public key")
    if kind == "RSA" and (material["e"] != "AQAB" or base64url(material["n"])[0] == 0 or len(material["n"]) > 683):
        raise ValueError("an RSA key that is weak, or dear to verify with, or spelt in another way")
    try:
        verify = loads[alg](*material.values())
    except UnsupportedAlgorithm:
        raise ValueError("not a key that is known here") from None
    canonical = json.dumps(material | {"kty": kind}, sort_keys=True, separators=(",", ":"))
    return urlsafe_b64encode(sha256(canonical.encode()).digest()).rstrip(b"=").decode(), verify


def _once(kid: str, members: Iterable[Any]) -> bool:
    """RFC 7517 section 4.5: keys of one set have different names. Which of two is meant nobody can tell."""
    return [member.get("kid") for member in members if isinstance(member, dict)].count(kid) == 1


def _same(key: VerifyingKey, known: Mapping[str, VerifyingKey]) -> VerifyingKey:
    before = known.get(key.kid)
    return before if before == key else key


def _usable(jwk: Any) -> VerifyingKey | None:
    if not isinstance(jwk, dict) or "d" in jwk or "k" in jwk:  # a private key in public is nobody's key any more
        return None
    kid, kind = jwk.get("kid"), jwk.get("kty")
    if not isinstance(kid, str) or not 0 < len(kid) <= LONGEST_KID or not isinstance(kind, str):
        return None
    if jwk.get("use", "sig") != "sig" or "verify" not in _operations(jwk) or kind not in _KINDS:
        return None
    alg, names, load = _KINDS[kind]
    if jwk.get("alg", alg) != alg:
        return None
    material = [value for name in names if isinstance(value := jwk.get(name), str)]
    if len(material) != len(names):
        return None
    try:
        return VerifyingKey(kid=kid, alg=alg, material=(kind, *material), verify=load(*material))
    except (ValueError, UnsupportedAlgorithm):
        return None


def _operations(jwk: Mapping[str, Any]) -> list[Any]:
    operations = jwk.get("key_ops", ["verify"])
    return operations if isinstance(operations, list) else []


def _es256(curve: str, x: str, y: str) -> Verify:
    """RFC 7518 sections 3.4 and 6.2.1: a point on P-256, 32 bytes each; a signature is two such numbers."""
    across, up = base64url(x), base64url(y)
    if curve != "P-256" or len(across) != 32 or len(up) != 32:
        raise ValueError("not a point of P-256")
    numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(across), int.from_bytes(up), ec.SECP256R1())
    check, algorithm = numbers.public_key().verify, ec.ECDSA(Prehashed(SHA256()))

    def verify(signature: bytes, message: bytes, digest: bytes) -> bool:
        if len(signature) != 64:
            return False
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
        try:
            check(encode_dss_signature(r, s), digest, algorithm)
        except InvalidSignature:
            return False
        return True

    return verify


def _eddsa(curve: str, x: str) -> Verify:
    """RFC 8037 section 2: Ed25519 alone."""
    if curve != "Ed25519":
        raise ValueError("not Ed25519")
    check = ed25519.Ed25519PublicKey.from_public_bytes(base64url(x)).verify

    def verify(signature: bytes, message: bytes, digest: bytes) -> bool:
        try:
            check(signature, message)
        except InvalidSignature:
            return False
        return True

    return verify


def _rs256(n: str, e: str) -> Verify:
    """RFC 7518 sections 3.3 and 6.3.1."""
    return _rsa(n, e, PKCS1v15())


def _ps256(n: str, e: str) -> Verify:
    """RFC 7518 section 3.5: the salt is as long as the hash."""
    return _rsa(n, e, PSS(MGF1(SHA256()), SHA256.digest_size))


def _rsa(n: str, e: str, padding: AsymmetricPadding) -> Verify:
    modulus, exponent = int.from_bytes(base64url(n)), int.from_bytes(base64url(e))
    if modulus.bit_length() not in RSA_BITS or not SMALLEST_EXPONENT <= exponent < 2**32:
        raise ValueError("a weak RSA key")
    check = rsa.RSAPublicNumbers(exponent, modulus).public_key().verify
    algorithm = Prehashed(SHA256())

    def verify(signature: bytes, message: bytes, digest: bytes) -> bool:
        try:
            check(signature, digest, padding, algorithm)
        except InvalidSignature:
            return False
        return True

    return verify


_KINDS: Final[Mapping[str, tuple[str, tuple[str, ...], Callable[..., Verify]]]] = {
    "EC": ("ES256", ("crv", "x", "y"), _es256),
    "OKP": ("EdDSA", ("crv", "x"), _eddsa),
    "RSA": ("RS256", ("n", "e"), _rs256),
}
"""Kind of key -> its one algorithm, the members that make it, and how it is loaded (RFC 8725 sections 3.1 and 3.2)."""
ALGORITHMS: Final = frozenset(alg for alg, _, _ in _KINDS.values())
_PROVING: Final[Mapping[str, tuple[tuple[str, ...], Mapping[str, Callable[..., Verify]]]]] = {
    "EC": (("crv", "x", "y"), {"ES256": _es256}),
    "OKP": (("crv", "x"), {"EdDSA": _eddsa, "Ed25519": _eddsa}),  # by both its names (RFC 9864)
    "RSA": (("n", "e"), {"PS256": _ps256, "RS256": _rs256}),
}
"""Kind of key -> what its thumbprint is of, and what proofs may be signed by, as the issuer takes them."""
PROOF_ALGORITHMS: Final = tuple(alg for _, loads in _PROVING.values() for alg in loads)
_PRIVATE: Final = frozenset({"d", "k", "p", "q", "dp", "dq", "qi", "oth"})
