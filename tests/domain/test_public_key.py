"""The public keys that an Application proves itself by."""

from __future__ import annotations

import json
from typing import Any

import pytest

from broker.domain.public_key import algorithms_of, keys_of, members_of

B32, B256 = "A" * 43, "_" + "A" * 341
"""What 32 and 256 bytes are in base64url."""
EC: dict[str, Any] = {"kty": "EC", "crv": "P-256", "x": B32, "y": B32}
OKP: dict[str, Any] = {"kty": "OKP", "crv": "Ed25519", "x": B32}
RSA: dict[str, Any] = {"kty": "RSA", "n": B256, "e": "AQAB"}


@pytest.mark.parametrize(
    ("jwk", "algorithms"),
    [
        (EC, ("ES256",)),
        (OKP, ("EdDSA", "Ed25519")),
        (OKP | {"alg": "Ed25519"}, ("Ed25519",)),
        (RSA, ("PS256", "RS256")),
        (RSA | {"alg": "RS256"}, ("RS256",)),
        (RSA | {"alg": "PS256", "kid": "k", "use": "sig", "key_ops": ["verify"]}, ("PS256",)),
    ],
)
def test_a_key_is_for_its_own_algorithms(jwk: dict[str, Any], algorithms: tuple[str, ...]) -> None:
    """Read from a table or from its JSON; members that say nothing more are dropped."""
    read = keys_of({"keys": [jwk]})

    assert isinstance(read, tuple)
    assert keys_of(json.dumps({"keys": [jwk]})) == read
    assert algorithms_of(json.loads(read[0])) == algorithms
    assert json.loads(read[0]).keys() <= jwk.keys() - {"use", "key_ops"}


def test_two_can_be_in_use_at_a_time() -> None:
    """The old one and the new one."""
    assert len(keys_of({"keys": [EC, RSA]})) == 2


@pytest.mark.parametrize("document", ["", "{", "x" * 10, "[" * 100_000])
def test_what_is_not_json_is_said_to_be(document: str) -> None:
    """A file of another kind, such as PEM."""
    assert keys_of(document) == "is not JSON"


@pytest.mark.parametrize(
    "document", [None, 7, [], {}, "[]", "null", {"keys": {}}, {"keys": []}, {"keys": [EC, OKP, RSA]}, EC]
)
def test_what_is_no_set_is_refused(document: object) -> None:
    """Also an empty one, and one of more keys than can be in use."""
    assert keys_of(document) == "must be a JWK Set of at most 2 keys"


@pytest.mark.parametrize(
    "jwk",
    [
        None,
        "EC",
        {},
        {"kty": 7},
        {"kty": "oct", "k": B32},
        EC | {"crv": "P-384"},
        EC | {"crv": "secp256k1"},
        EC | {"alg": "ES384"},
        EC | {"alg": "none"},
        EC | {"d": B32},
        EC | {"y": ...},
        EC | {"x": "A" * 42},
        EC | {"x": B32 + "="},
        EC | {"x": "+" * 43},
        EC | {"x": 7},
        EC | {"x": "é" * 43},
        EC | {"use": "enc"},
        EC | {"kid": 7},
        EC | {"x5u": "https://x.example"},
        OKP | {"crv": "X25519"},
        OKP | {"d": B32},
        RSA | {"d": B256},
        EC | {"x": "A" * 41},
        EC | {"crv": ["P-256"]},
        RSA | {"n": "A" * 342},
        RSA | {"n": "_" + "A" * 170},
        RSA | {"n": "_" + "A" * 1365},
        RSA | {"e": "Aw"},
        RSA | {"e": ...},
        RSA | {"alg": "HS256"},
    ],
)
def test_any_other_key_is_refused(jwk: Any) -> None:
    """Private, symmetric, weak, for something else, or malformed; the key's place is said, not the key."""
    bent = {name: value for name, value in jwk.items() if value is not ...} if isinstance(jwk, dict) else jwk
    problem = keys_of({"keys": [EC, bent]})

    assert members_of(bent) is None
    assert isinstance(problem, str)
    assert problem.startswith("key 2 ")
    assert B32 not in problem


def test_the_same_key_twice_is_no_change() -> None:
    """A slip of whoever wrote it."""
    assert keys_of({"keys": [EC, dict(EC)]}) == "holds a key twice"
