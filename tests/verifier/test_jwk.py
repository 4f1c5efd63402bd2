"""Published keys: the good ones of a set are used, whatever lies beside them."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from partner_ops_verifier.jwk import MOST_KEYS, VerifyingKey, key_set
from partner_ops_verifier.testing import TestKey, base64url

GOOD = {alg: TestKey(alg, kid=alg) for alg in ("ES256", "EdDSA", "RS256")}


def usable(*members: Any) -> set[str]:
    """The names of the keys that would be used."""
    return set(key_set({"keys": list(members)}, {}))


def good(key: VerifyingKey, signature: bytes, message: bytes) -> bool:
    """Whether the key says so."""
    return key.verify(signature, message, hashlib.sha256(message).digest())


@pytest.mark.parametrize("alg", GOOD)
def test_a_key_verifies_what_it_signed_and_nothing_else(alg: str) -> None:
    """Bound to the one algorithm of its kind, also where the set does not name it."""
    key = GOOD[alg]
    for jwk in (key.jwk, {name: value for name, value in key.jwk.items() if name not in ("alg", "use")}):
        found = key_set({"keys": [jwk]}, {})[alg]

        assert found.alg == alg
        assert good(found, key.signature(b"message"), b"message")
        assert not good(found, key.signature(b"message"), b"another")
        assert not good(found, TestKey(alg).signature(b"message"), b"message")
        assert not good(found, b"", b"message")


def _rsa(bits: int, exponent: int = 65537) -> dict[str, Any]:
    public = rsa.generate_private_key(65537, bits).public_key().public_numbers()
    size = (public.n.bit_length() + 7) // 8
    return {
        "kty": "RSA",
        "kid": "bad",
        "n": base64url(public.n.to_bytes(size)),
        "e": base64url(exponent.to_bytes((exponent.bit_length() + 7) // 8)),
    }


def _bad() -> dict[str, Any]:
    es256, eddsa, rs256 = (key.jwk | {"kid": "bad"} for key in GOOD.values())
    p384: dict[str, Any] = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP384R1()).public_key(), as_dict=True)
    ed448_key: dict[str, Any] = OKPAlgorithm.to_jwk(ed448.Ed448PrivateKey.generate().public_key(), as_dict=True)
    private: dict[str, Any] = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)
    private_rsa: dict[str, Any] = RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048), as_dict=True)
    return {
        "no object": "key",
        "null": None,
        "empty": {},
        "no name": es256 | {"kid": None},
        "empty name": es256 | {"kid": ""},
        "long name": es256 | {"kid": "k" * 257},
        "no kind": {name: value for name, value in es256.items() if name != "kty"},
        "kind a list": es256 | {"kty": ["EC"]},
        "secret": {"kty": "oct", "kid": "bad", "k": base64url(b"s" * 32), "alg": "HS256"},
        "private": private | {"kid": "bad"},
        "private RSA": private_rsa | {"kid": "bad"},
        "for encryption": es256 | {"use": "enc"},
        "use null": es256 | {"use": None},
        "for signing": es256 | {"key_ops": ["sign"]},
        "operations a text": es256 | {"key_ops": "verify"},
        "another algorithm": es256 | {"alg": "ES384"},
        "RSA as EC": es256 | {"alg": "RS256"},
        "PS256": rs256 | {"alg": "PS256"},
        "no curve": {name: value for name, value in es256.items() if name != "crv"},
        "P-384": p384 | {"kid": "bad", "alg": "ES256"},
        "P-384 called P-256": p384 | {"kid": "bad", "crv": "P-256"},
        "not on the curve": es256 | {"y": es256["x"]},
        "short": es256 | {"x": es256["x"][:-4]},
        "padded": es256 | {"x": es256["x"] + "="},
        "a number": es256 | {"x": 7},
        "Ed448": ed448_key | {"kid": "bad"},
        "Ed25519, short": eddsa | {"x": eddsa["x"][:-4]},
        "X25519": eddsa | {"crv": "X25519"},
        "RSA 1024": _rsa(1024),
        "RSA, exponent 3": _rsa(2048, 3),
        "RSA, exponent even": _rsa(2048, 65538),
        "RSA, exponent huge": _rsa(2048, 2**32 + 1),
        "RSA, empty": rs256 | {"n": ""},
        "RSA, huge": rs256 | {"n": base64url(b"\xff" * 2048)},
    }


BAD = _bad()


@pytest.mark.parametrize("name", BAD)
def test_a_bad_key_is_left_out_and_a_good_one_beside_it_is_used(name: str) -> None:
    """One malformed key must not take the set along."""
    assert usable(BAD[name], GOOD["ES256"].jwk) == {"ES256"}


def test_of_two_keys_with_one_name_neither_is_used() -> None:
    """Nobody can tell which is meant; also where the other one could not be used."""
    for other in (TestKey(kid="ES256").jwk, {"kid": "ES256"}, GOOD["ES256"].jwk):
        assert usable(GOOD["ES256"].jwk, other, GOOD["RS256"].jwk) == {"RS256"}


@pytest.mark.parametrize("document", [{}, {"keys": None}, {"keys": {}}, {"keys": [{}] * (MOST_KEYS + 1)}])
def test_what_is_no_key_set_is_none(document: dict[str, Any]) -> None:
    """Nor is one without end."""
    with pytest.raises(ValueError, match="JWK Set"):
        key_set(document, {})


def test_a_key_that_stays_is_not_loaded_again() -> None:
    """So that what it proved stays proven; one that changed under its name is another key."""
    before = key_set({"keys": [key.jwk for key in GOOD.values()]}, {})
    changed = TestKey(kid="EdDSA", alg="EdDSA")
    after = key_set({"keys": [GOOD["ES256"].jwk, changed.jwk]}, before)

    assert after["ES256"] is before["ES256"]
    assert after["EdDSA"] is not before["EdDSA"]
    assert set(after) == {"ES256", "EdDSA"}
