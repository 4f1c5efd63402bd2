"""Owns the keys that sign tokens: makes them, names them, and loads them from their sealed records.

Refuses weak keys, keys of another kind than their record says, and a private half that is not its public half's own.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
)
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_private_key
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from broker.crypto.jwk import PublicKey, public_jwk, public_members, spells, thumbprint
from broker.domain import signing_key
from broker.domain.errors import BrokerError, SealBroken
from broker.domain.sealing import WrappedKey
from broker.domain.signing_key import SigningKey, place_of
from broker.flows.ports import Vault

ALGORITHMS = signing_key.ALGORITHMS
DEFAULT_ALGORITHM = ALGORITHMS[0]
MIN_RSA_BITS = 2048
"""RFC 7518 section 3.3."""
RSA_EXPONENT = 65537

PrivateKey = EllipticCurvePrivateKey | Ed25519PrivateKey | RSAPrivateKey


class SigningKeyRefused(BrokerError):
    """A signing key that must not be used; `detail` says which and why."""

    def __init__(self, kid: str, why: str) -> None:
        super().__init__("signing_key_refused", "A signing key cannot be used.", detail=f"{kid}: {why}")


@dataclass(frozen=True, kw_only=True, slots=True)
class GeneratedKey:
    """A new key; its record still has to be made.

    `kid` is its thumbprint (RFC 7638). `public_jwk` is JSON. `private_der` is PKCS #8 (RFC 5958), to be sealed at once.
    """

    kid: str
    alg: str
    public_jwk: str
    private_der: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadedKey:
    """A key ready for use: parsed once, checked, `public_jwk` without a private member."""

    kid: str
    alg: str
    active: bool
    public_jwk: dict[str, str]
    public: PublicKey = field(repr=False)
    private: PrivateKey = field(repr=False)

    def sign(self, data: bytes) -> bytes:
        """The signature as a JWS has it (RFC 7518 sections 3.3 and 3.4, RFC 8037 section 3.1)."""
        return _SIGN[self.alg](self.private, data)


def _es256(private: Any, data: bytes) -> bytes:
    r, s = decode_dss_signature(private.sign(data, _ECDSA))
    return r.to_bytes(_P256_BYTES, "big") + s.to_bytes(_P256_BYTES, "big")


def _eddsa(private: Any, data: bytes) -> bytes:
    return bytes(private.sign(data))


def _rs256(private: Any, data: bytes) -> bytes:
    return bytes(private.sign(data, _PKCS1, _SHA256))


_SHA256, _PKCS1 = SHA256(), PKCS1v15()
_ECDSA = ECDSA(_SHA256)
_P256_BYTES = 32
_SIGN: Mapping[str, Callable[[Any, bytes], bytes]] = {"ES256": _es256, "EdDSA": _eddsa, "RS256": _rs256}
"""By algorithm. `load` has seen to it that the key is of that kind, which PyJWT would look at with each signature."""


async def generate_signing_key(alg: str = DEFAULT_ALGORITHM) -> GeneratedKey:
    """`generate` in a thread: RSA takes a second at times."""
    return await asyncio.to_thread(generate, alg)


def generate(alg: str = DEFAULT_ALGORITHM) -> GeneratedKey:
    """A new key for one of `ALGORITHMS` (RFC 7518 section 3.1, RFC 8037 section 3.1). Raises `SigningKeyRefused`."""
    private = _generate_private(alg)
    members = public_members(private.public_key())
    kid = thumbprint(members)
    der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return GeneratedKey(kid=kid, alg=alg, public_jwk=json.dumps(public_jwk(kid, alg, members)), private_der=der)


async def load_signing_keys(
    records: Sequence[SigningKey], data_key: WrappedKey, vault: Vault, *, loaded: Sequence[LoadedKey] = ()
) -> tuple[LoadedKey, ...]:
    """All keys of `records`, in their order; what is in `loaded` already is not opened and parsed again.

    `data_key` is the one of `SYSTEM_OWNER`. Raises `SigningKeyRefused` for the first key that is no good.
    """
    known = {key.kid: key for key in loaded}
    keys = []
    for record in records:
        key = known.get(record.kid)
        if key is not None and key.alg == record.alg and spells(record.public_jwk, key.public_jwk):
            keys.append(replace(key, active=record.active))
            continue
        try:
            private_der = await vault.open(data_key, place_of(record.kid), record.sealed_private)
        except SealBroken:
            raise SigningKeyRefused(record.kid, "its private half does not open") from None
        keys.append(load(record, private_der))
    return tuple(keys)


def load(record: SigningKey, private_der: bytes) -> LoadedKey:
    """The key of `record`. Raises `SigningKeyRefused`."""
    private = _parse(private_der)
    if private is None:
        raise SigningKeyRefused(record.kid, "its private half is not a PKCS #8 key of a known kind")
    weakness = _weakness(record.alg, private)
    if weakness is not None:
        raise SigningKeyRefused(record.kid, weakness)
    jwk = public_jwk(record.kid, record.alg, public_members(private.public_key()))
    if not spells(record.public_jwk, jwk):
        raise SigningKeyRefused(record.kid, "its public half is not the one of its private half")
    return LoadedKey(
        kid=record.kid,
        alg=record.alg,
        active=record.active,
        public_jwk=jwk,
        public=private.public_key(),
        private=private,
    )


def _generate_private(alg: str) -> PrivateKey:
    match alg:
        case "ES256":
            return generate_ec_private_key(SECP256R1())
        case "EdDSA":
            return Ed25519PrivateKey.generate()
        case "RS256":
            return generate_rsa_private_key(RSA_EXPONENT, MIN_RSA_BITS)
        case _:
            raise SigningKeyRefused("new key", f"the algorithm must be one of {', '.join(ALGORITHMS)}")


def _parse(private_der: bytes) -> PrivateKey | None:
    try:
        private = load_der_private_key(private_der, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return private if isinstance(private, PrivateKey) else None


def _weakness(alg: str, private: PrivateKey) -> str | None:
    """Why this key must not sign with `alg` (RFC 8725 section 3.5), or None."""
    if alg == "ES256" and isinstance(private, EllipticCurvePrivateKey):
        return None if isinstance(private.curve, SECP256R1) else "ES256 needs the curve P-256"
    if alg == "EdDSA" and isinstance(private, Ed25519PrivateKey):
        return None
    if alg == "RS256" and isinstance(private, RSAPrivateKey):
        if private.key_size < MIN_RSA_BITS:
            return f"RS256 needs {MIN_RSA_BITS} bits or more"
        # FIPS 186-5 appendix A.1.1.
        return None if private.public_key().public_numbers().e >= RSA_EXPONENT else "its public exponent is small"
    return "its algorithm is unknown, or the key is of another kind"
