"""Keys that sign: made, sealed, loaded, and refused when they are weak or not what their record says."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from broker.crypto.jwk import public_jwk, public_members, thumbprint
from broker.crypto.keyring import NamedKey
from broker.crypto.signing_keys import (
    ALGORITHMS,
    GeneratedKey,
    PrivateKey,
    SigningKeyRefused,
    generate,
    generate_signing_key,
    load,
    load_signing_keys,
)
from broker.crypto.vault import LocalVault
from broker.domain.ids import DataKeyId
from broker.domain.sealing import SYSTEM_OWNER, WrappedKey
from broker.domain.signing_key import SigningKey, place_of
from tests.crypto.examples import EC_KEYS, KEK, KEYRING, flipped, loaded, record_of, with_keks

NOW = 1_900_000_000


def der(private: Any) -> bytes:
    """PKCS #8."""
    return bytes(private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


def as_generated(private: PrivateKey, alg: str) -> GeneratedKey:
    """Any key, as if `generate` had made it for this algorithm."""
    members = public_members(private.public_key())
    kid = thumbprint(members)
    return GeneratedKey(
        kid=kid, alg=alg, public_jwk=json.dumps(public_jwk(kid, alg, members)), private_der=der(private)
    )


def why_refused(record: SigningKey, private_der: bytes) -> str:
    """What `load` says."""
    with pytest.raises(SigningKeyRefused) as refused:
        load(record, private_der)
    assert record.kid in refused.value.detail
    return refused.value.detail


@pytest.mark.anyio
@pytest.mark.parametrize("alg", ALGORITHMS)
async def test_a_new_key_can_be_loaded(alg: str) -> None:
    """Its name is its thumbprint, its public half says what it is for."""
    key = await generate_signing_key(alg)
    jwk = json.loads(key.public_jwk)

    assert load(record_of(key), key.private_der).public_jwk == jwk
    assert key.kid == jwk["kid"] == thumbprint({n: v for n, v in jwk.items() if n not in ("kid", "use", "alg")})
    assert (key.alg, jwk["alg"], jwk["use"]) == (alg, alg, "sig")


def test_es256_is_the_default() -> None:
    """As the contract says."""
    assert generate().alg == "ES256"


@pytest.mark.parametrize("alg", ["", "none", "HS256", "ES384", "es256", "PS256"])
def test_no_key_is_made_for_another_algorithm(alg: str) -> None:
    """Unknown, symmetric, misspelt."""
    with pytest.raises(SigningKeyRefused, match="ES256, EdDSA, RS256"):
        generate(alg)


def test_two_new_keys_differ() -> None:
    """In name and in substance."""
    assert EC_KEYS[0].kid != EC_KEYS[1].kid
    assert EC_KEYS[0].private_der != EC_KEYS[1].private_der


@pytest.mark.parametrize(
    ("private", "reason"),
    [
        (rsa.generate_private_key(65537, 1024), "2048 bits or more"),
        (rsa.generate_private_key(65537, 2040), "2048 bits or more"),
        (rsa.generate_private_key(3, 2048), "exponent"),
    ],
    ids=["RSA 1024", "RSA 2040", "exponent 3"],
)
def test_a_weak_rsa_key_is_refused(private: PrivateKey, reason: str) -> None:
    """Even if everything else about its record is right."""
    key = as_generated(private, "RS256")

    assert reason in why_refused(record_of(key), key.private_der)


@pytest.mark.parametrize("bits", [2048, 3072])
def test_a_strong_rsa_key_is_accepted(bits: int) -> None:
    """2048 bits and more."""
    key = as_generated(rsa.generate_private_key(65537, bits), "RS256")

    assert loaded(key).kid == key.kid


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP521R1(), ec.SECP256K1()], ids=lambda curve: str(curve.name))
def test_another_curve_is_refused(curve: ec.EllipticCurve) -> None:
    """ES256 is P-256 (RFC 7518 section 3.4), and a curve as long is not the same."""
    key = as_generated(ec.generate_private_key(curve), "ES256")

    assert "P-256" in why_refused(record_of(key), key.private_der)


@pytest.mark.parametrize("made_for", ALGORITHMS)
@pytest.mark.parametrize("used_for", [*ALGORITHMS, "HS256", "none", ""])
def test_a_key_is_for_its_own_algorithm(made_for: str, used_for: str) -> None:
    """Every other combination is refused."""
    key = generate(made_for)
    record = record_of(
        replace(key, alg=used_for, public_jwk=json.dumps(json.loads(key.public_jwk) | {"alg": used_for}))
    )

    if made_for == used_for:
        assert load(record, key.private_der).alg == used_for
    else:
        assert "another kind" in why_refused(record, key.private_der)


@pytest.mark.parametrize(
    "make",
    [
        lambda: der(x25519.X25519PrivateKey.generate()),
        lambda: der(ed448.Ed448PrivateKey.generate()),
        lambda: der(dsa.generate_private_key(1024)),
        lambda: EC_KEYS[0].private_der[:-1],
        lambda: EC_KEYS[0].private_der[1:],
        lambda: b"",
        lambda: b"-----BEGIN PRIVATE KEY-----",
        lambda: ec.generate_private_key(ec.SECP256R1()).private_bytes(
            Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(b"password")
        ),
        lambda: ec.generate_private_key(ec.SECP256R1()).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ),
    ],
    ids=["X25519", "Ed448", "DSA", "cut short", "beheaded", "empty", "text", "encrypted", "PEM"],
)  # fmt: skip
def test_what_is_no_signing_key_is_refused(make: Callable[[], bytes]) -> None:
    """Keys of other kinds, pieces of keys, other formats."""
    assert "PKCS #8" in why_refused(record_of(EC_KEYS[0]), make())


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_the_public_half_must_be_the_private_halfs_own(alg: str) -> None:
    """Otherwise nobody could verify what we sign, or somebody else could sign what is verified with our keys."""
    mine, other = generate(alg), generate(alg)
    swapped = json.dumps(json.loads(other.public_jwk) | {"kid": mine.kid})

    assert "public half" in why_refused(record_of(replace(mine, public_jwk=swapped)), mine.private_der)
    assert "public half" in why_refused(record_of(mine), other.private_der)


@pytest.mark.parametrize(
    "changed",
    [{"d": "AAAA"}, {"k": "AAAA"}, {"use": "enc"}, {"alg": "HS256"}, {"kid": "another"}, {"kty": "RSA"},
     {"crv": "P-384"}, {"x5u": "https://attacker.example"}],
    ids=str,
)  # fmt: skip
def test_a_stored_public_half_with_anything_else_in_it_is_refused(changed: dict[str, str]) -> None:
    """A private member that slipped in would be published; another purpose would be believed."""
    key = EC_KEYS[0]
    record = record_of(replace(key, public_jwk=json.dumps(json.loads(key.public_jwk) | changed)))

    assert "public half" in why_refused(record, key.private_der)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "{"])
def test_a_stored_public_half_that_is_none_is_refused(text: str) -> None:
    """Absent, empty, not JSON."""
    key = EC_KEYS[0]

    assert "public half" in why_refused(record_of(replace(key, public_jwk=text)), key.private_der)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_no_private_half_is_shown_by_a_repr(alg: str) -> None:
    """Neither of a new key nor of a loaded one."""
    key = generate(alg)

    assert "private" not in repr(key)
    assert "private" not in repr(loaded(key))
    assert repr(key.private_der)[2:40] not in repr(key)
    assert key.private_der.hex() not in repr(key)


async def sealed(key: GeneratedKey, vault: LocalVault, data_key: WrappedKey, *, active: bool) -> SigningKey:
    """The record, as it lies in the database."""
    envelope = await vault.seal(data_key, place_of(key.kid), key.private_der)
    return replace(record_of(key, active=active, sealed=envelope), data_key_id=data_key.id)


@pytest.mark.anyio
async def test_sealed_keys_are_loaded_in_their_order() -> None:
    """And can be used by another process with the same keyring."""
    vault = LocalVault(KEYRING)
    data_key = await vault.new_key(SYSTEM_OWNER, NOW)
    records = [await sealed(key, vault, data_key, active=key is EC_KEYS[1]) for key in EC_KEYS]

    keys = await load_signing_keys(records, data_key, LocalVault(KEYRING))

    assert [(key.kid, key.active) for key in keys] == [(EC_KEYS[0].kid, False), (EC_KEYS[1].kid, True)]
    assert await load_signing_keys([], data_key, vault) == ()


@pytest.mark.anyio
async def test_a_loaded_key_is_not_opened_again() -> None:
    """Only whether it is active is read anew: a vault that can open nothing proves it."""
    vault = LocalVault(KEYRING)
    data_key = await vault.new_key(SYSTEM_OWNER, NOW)
    record = await sealed(EC_KEYS[0], vault, data_key, active=False)
    known = await load_signing_keys([record], data_key, vault)
    useless = LocalVault(with_keks(NamedKey(id=KEK.id, key=bytes(range(1, 33)))))

    (again,) = await load_signing_keys([replace(record, active=True)], data_key, useless, loaded=known)

    assert again.private is known[0].private
    assert again.active
    assert not known[0].active


@pytest.mark.anyio
@pytest.mark.parametrize(
    "changed", [{"alg": "EdDSA"}, {"public_jwk": EC_KEYS[1].public_jwk}], ids=["alg", "public_jwk"]
)
async def test_a_record_that_changed_is_looked_at_again(changed: dict[str, str]) -> None:
    """And refused, since no key changes."""
    vault = LocalVault(KEYRING)
    data_key = await vault.new_key(SYSTEM_OWNER, NOW)
    record = await sealed(EC_KEYS[0], vault, data_key, active=True)
    known = await load_signing_keys([record], data_key, vault)

    with pytest.raises(SigningKeyRefused):
        await load_signing_keys([replace(record, **changed)], data_key, vault, loaded=known)  # type: ignore[arg-type]


@pytest.mark.anyio
async def test_a_private_half_that_does_not_open_is_named() -> None:
    """Damaged, or moved from another key's row."""
    vault = LocalVault(KEYRING)
    data_key = await vault.new_key(SYSTEM_OWNER, NOW)
    first, second = [await sealed(key, vault, data_key, active=False) for key in EC_KEYS]

    for envelope in (flipped(first.sealed_private, 100), second.sealed_private, b""):
        with pytest.raises(SigningKeyRefused, match="does not open") as refused:
            await load_signing_keys([second, replace(first, sealed_private=envelope)], data_key, vault)
        assert first.kid in refused.value.detail


@pytest.mark.anyio
async def test_no_users_data_key_opens_a_signing_key() -> None:
    """It belongs to the system."""
    vault = LocalVault(KEYRING)
    data_key = await vault.new_key(SYSTEM_OWNER, NOW)
    record = await sealed(EC_KEYS[0], vault, data_key, active=True)

    for other in (await vault.new_key("usr_1", NOW), replace(data_key, id=DataKeyId("dek_other"))):
        with pytest.raises(SigningKeyRefused, match="does not open"):
            await load_signing_keys([record], other, vault)
