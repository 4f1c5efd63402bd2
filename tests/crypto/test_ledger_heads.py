"""What was signed about the ledger's end is read, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from broker.crypto import base64url
from broker.crypto.ledger_heads import read_head
from broker.crypto.signing import JwtSigner
from broker.crypto.signing_keys import ALGORITHMS, generate
from broker.domain.ledger_chain import HEAD_TYPE, Head
from tests.crypto.examples import EC_KEYS, loaded

ISSUER = "https://id.partner-ops.example"
CLAIMS: dict[str, Any] = {"iss": ISSUER, "position": 7, "chain_hash": "00" * 32, "iat": 5}

KEYS = {alg: EC_KEYS[0] if alg == "ES256" else generate(alg) for alg in ALGORITHMS}


def signed(alg: str = "ES256", typ: str = HEAD_TYPE, other: Mapping[str, object] = {}) -> tuple[str, dict[str, str]]:
    """A head, and the public keys of whoever has signed it."""
    key = loaded(KEYS[alg])
    signer = JwtSigner(ISSUER, [key], algorithm=alg)
    return signer.sign(CLAIMS | dict(other), typ=typ), {key.kid: json.dumps(dict(key.public_jwk))}


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_head_is_read_whatever_key_has_signed_it(alg: str) -> None:
    """By its own public key."""
    text, keys = signed(alg)
    found = read_head(text, keys)

    assert found is not None
    assert (found.head, found.known) == (Head(issuer=ISSUER, position=7, chain_hash="00" * 32, at=5), True)
    assert {found.kid: found.known} == dict.fromkeys(keys, True)


def test_of_a_key_that_is_forgotten_it_is_told_unproven() -> None:
    """It can be compared with the chain still."""
    text, _ = signed()
    found = read_head(text, {})

    assert found is not None
    assert (found.head.position, found.known) == (7, False)


def test_another_kind_of_token_is_no_head() -> None:
    """Though the same key has signed it."""
    for typ in ("at+jwt", "JWT"):
        text, keys = signed(typ=typ)
        assert read_head(text, keys) is None
        assert read_head(text, {}) is None


@pytest.mark.parametrize("other", [{"position": "7"}, {"chain_hash": None}, {"iat": 5.5}, {"iss": 1}])
def test_other_claims_are_no_head(other: dict[str, object]) -> None:
    """Whatever was signed."""
    text, keys = signed(other=other)

    assert read_head(text, keys) is None


def test_a_head_that_was_changed_is_none() -> None:
    """Its key is known, so the signature has to hold; and the algorithm is the key's to say."""
    text, keys = signed()
    header, _, signature = text.split(".")
    payload = base64url.encode(json.dumps(CLAIMS | {"position": 8}).encode())
    algorithm = base64url.encode(json.dumps(json.loads(base64url.decode(header) or b"") | {"alg": "RS256"}).encode())

    assert read_head(f"{header}.{payload}.{signature}", keys) is None
    assert read_head(f"{algorithm}.{text.partition('.')[2]}", keys) is None


def test_what_is_no_token_is_no_head() -> None:
    """Nor is one without the name of a key, or whose claims are no JSON object."""
    header = {"alg": "ES256", "typ": HEAD_TYPE, "kid": "gone"}
    no_kid = base64url.encode(json.dumps(header | {"kid": 7}).encode())
    good = base64url.encode(json.dumps(header).encode())
    texts = ["", "a.b", f"{no_kid}.e30.e30", f"{good}.AAAA.e30", f"{good}.W10.e30", f"{good}.e30.e30"]

    assert [read_head(text, {}) for text in texts] == [None] * len(texts)
