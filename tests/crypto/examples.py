"""Keyrings, places, records and attempts that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from broker.crypto.keyring import Keyring, NamedKey
from broker.crypto.signing_keys import GeneratedKey, LoadedKey, generate, load
from broker.domain.attempt import Purpose, SignInAttempt
from broker.domain.ids import AttemptId, DataKeyId, RegistrationId
from broker.domain.sealing import Place
from broker.domain.signing_key import SigningKey

KEK = NamedKey(id="local:main:1", key=bytes(range(32)))
NEW_KEK = NamedKey(id="local:main:2", key=bytes(range(32, 64)))
LOOKUP_KEY = NamedKey(id="lookup-1", key=bytes(range(64, 96)))
COOKIE_KEY = NamedKey(id="c1", key=bytes(range(96, 128)))
NEW_COOKIE_KEY = NamedKey(id="c2", key=bytes(range(128, 160)))
KEYRING = Keyring(keks=(KEK,), lookup_keys=(LOOKUP_KEY,), cookie_keys=(COOKIE_KEY,))

PLACE = Place(
    table="connections",
    column="sealed_tokens",
    row_id="con_1",
    owner="usr_1",
    registration="google",
    client_org="acme",
    generation=5,
)

ATTEMPT = SignInAttempt(
    id=AttemptId("att_1"),
    purpose=Purpose.SIGN_IN,
    registration=RegistrationId("google"),
    organization=None,
    initiator=None,
    state="state-canary",
    nonce="nonce-canary",
    code_verifier="verifier-canary",
    scopes=("openid", "email"),
    continue_to="client_id=demo-app&state=continue-canary",
    started_at=1_900_000_000,
    pushed=None,
)

EC_KEYS = tuple(generate("ES256") for _ in range(2))
"""Made once: which key it is makes no difference to any test."""


def drawn(*values: bytes) -> Callable[[int], bytes]:
    """A source of "random" bytes that says these, one after the other."""
    left = list(values)

    def draw(size: int) -> bytes:
        value = left.pop(0)
        if len(value) != size:
            raise AssertionError(f"{size} bytes were asked for, {len(value)} are next")
        return value

    return draw


def record_of(key: GeneratedKey, *, active: bool = True, sealed: bytes = b"") -> SigningKey:
    """The record of a new key, as a flow makes it."""
    return SigningKey(
        kid=key.kid,
        alg=key.alg,
        active=active,
        public_jwk=key.public_jwk,
        sealed_private=sealed,
        data_key_id=DataKeyId("dek_system"),
        created_at=1_900_000_000,
    )


def loaded(key: GeneratedKey, *, active: bool = True) -> LoadedKey:
    """The key, ready to sign."""
    return load(record_of(key, active=active), key.private_der)


def flipped(data: bytes, at: int, bit: int = 0) -> bytes:
    """The data with one bit changed."""
    return data[:at] + bytes((data[at] ^ 1 << bit,)) + data[at + 1 :]


def with_keks(*keks: NamedKey) -> Keyring:
    """The keyring with other KEKs."""
    return replace(KEYRING, keks=keks)
