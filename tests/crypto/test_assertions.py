"""Signatures that Applications prove themselves by: whose they are, and by which algorithm."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm

from broker.crypto.assertions import claims_by
from broker.crypto.foreign_jws import LONGEST
from broker.crypto.jwk import PublicKey, public_members
from broker.crypto.signing_keys import PrivateKey
from broker.domain.public_key import keys_of

CLAIMS = {"sub": "reports", "jti": "one"}
PRIVATE: dict[str, PrivateKey] = {
    "EC": ec.generate_private_key(ec.SECP256R1()),
    "OKP": ed25519.Ed25519PrivateKey.generate(),
    "RSA": rsa.generate_private_key(65537, 2048),
}
OTHER = ec.generate_private_key(ec.SECP256R1())


def jwk(public: PublicKey, **members: str) -> str:
    """As it is kept."""
    read = keys_of({"keys": [public_members(public) | members]})
    assert isinstance(read, tuple)
    return read[0]


KEYS = {kty: jwk(private.public_key()) for kty, private in PRIVATE.items()}


def signed(alg: str, kty: str, *, claims: Any = CLAIMS, **headers: Any) -> str:
    """By this kind's key."""
    return jwt.PyJWS().encode(json.dumps(claims).encode(), PRIVATE[kty], algorithm=alg, headers=headers)


@pytest.mark.parametrize(("alg", "kty"), [("ES256", "EC"), ("EdDSA", "OKP"), ("RS256", "RSA"), ("PS256", "RSA")])
@pytest.mark.parametrize("headers", [{}, {"typ": "client-authentication+jwt"}, {"typ": None, "x5t": "x"}])
def test_each_algorithm_is_verified(alg: str, kty: str, headers: dict[str, Any]) -> None:
    """By the one key of several that it is of."""
    assert claims_by(signed(alg, kty, **headers), [*KEYS.values()]) == CLAIMS


@pytest.mark.parametrize("kty", KEYS)
def test_another_key_has_not_signed_it(kty: str) -> None:
    """Of another Application, or none at all."""
    alg = {"EC": "ES256", "OKP": "EdDSA", "RSA": "PS256"}[kty]
    others = [key for name, key in KEYS.items() if name != kty]

    assert claims_by(signed(alg, kty), [*others, jwk(OTHER.public_key())]) is None
    assert claims_by(signed(alg, kty), []) is None


def test_a_key_may_name_itself_and_its_algorithm() -> None:
    """Then the header has to agree; a `kid` that the key does not have is another key's."""
    public = PRIVATE["RSA"].public_key()
    named = jwk(public, kid="k1", alg="PS256")

    assert claims_by(signed("PS256", "RSA", kid="k1"), [named]) == CLAIMS
    assert claims_by(signed("PS256", "RSA"), [named]) == CLAIMS
    assert claims_by(signed("PS256", "RSA", kid="k2"), [named]) is None
    assert claims_by(signed("RS256", "RSA", kid="k1"), [named]) is None
    assert claims_by(signed("PS256", "RSA", kid="k1"), [KEYS["RSA"]]) is None


@pytest.mark.parametrize(
    "headers",
    [{"typ": "at+jwt"}, {"typ": 7}, {"typ": ["JWT"]}, {"jwk": {}}, {"crit": ["exp"]}, {"x5c": []}, {"kid": 7}],
)
def test_headers_that_say_anything_else_are_refused(headers: dict[str, Any]) -> None:
    """RFC 8725 sections 3.10 and 3.11: a token of another kind, or a key that it brings along."""
    header = {"alg": "ES256"} | headers
    assert claims_by(_raw(header, CLAIMS), [KEYS["EC"]]) is None


def test_the_rule_itself() -> None:
    """So that the headers above are refused for what they say."""
    assert claims_by(_raw({"alg": "ES256"}, CLAIMS), [KEYS["EC"]]) == CLAIMS


def _raw(header: Any, claims: Any) -> str:
    content = b".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
    signature = ECAlgorithm(ECAlgorithm.SHA256).sign(content, PRIVATE["EC"])  # type: ignore[arg-type]
    return b".".join([content, _encoded(signature)]).decode()


def _encoded(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


@pytest.mark.parametrize("alg", ["none", "HS256", "ES384", "RS512", None, 7, ["ES256"]])
def test_confused_algorithms_are_refused(alg: object) -> None:
    """RFC 8725 section 2.1: none, and an HMAC under the public key as everybody knows it."""
    pem = PRIVATE["RSA"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    content = b".".join(_encoded(json.dumps(part).encode()) for part in ({"alg": alg}, CLAIMS))
    rightly = signed("PS256", "RSA").split(".")[2].encode()
    for signature in (b"", rightly, _encoded(hmac.digest(pem, content, "sha256"))):
        assert claims_by(b".".join([content, signature]).decode(), [*KEYS.values()]) is None


@pytest.mark.parametrize("text", ["", "x", "a.b", "a.b.c", "a.b.c.d", "é.é.é", "bnVsbA.e30.e30", "W10.e30.e30"])
def test_what_is_no_token_is_none(text: str) -> None:
    """Nor is one that is cut, prolonged, or too long."""
    good = signed("ES256", "EC")
    for bent in (text, good[:-3], good + "AA", good + "=", f" {good}", good + "A" * LONGEST):
        assert claims_by(bent, [KEYS["EC"]]) is None


@pytest.mark.parametrize("claims", ["text", 7, None, [CLAIMS]])
def test_what_is_signed_must_be_claims(claims: Any) -> None:
    """And not something else."""
    assert claims_by(signed("ES256", "EC", claims=claims), [KEYS["EC"]]) is None


def test_a_point_that_is_not_on_the_curve_verifies_nothing() -> None:
    """The file cannot tell; it is refused when it is used."""
    off = json.loads(KEYS["EC"]) | {"x": "A" * 43}

    assert claims_by(signed("ES256", "EC"), [json.dumps(off)]) is None
