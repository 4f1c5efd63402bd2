"""Public keys as JSON Web Keys: the examples of the RFCs, and never a private member."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa

from broker.crypto import base64url
from broker.crypto.jwk import PublicKey, public_jwk, public_members, spells, thumbprint

PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


def test_the_thumbprint_is_the_one_of_rfc_8037() -> None:
    """Appendix A.3: an Ed25519 key."""
    members = {"crv": "Ed25519", "kty": "OKP", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}

    assert thumbprint(members) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_the_order_of_the_members_makes_no_difference() -> None:
    """The thumbprint sorts them (RFC 7638 section 3)."""
    members = public_members(generate_ec(SECP256R1()).public_key())

    assert thumbprint(dict(reversed(members.items()))) == thumbprint(members)


def test_a_coordinate_that_begins_with_a_zero_byte_keeps_it() -> None:
    """RFC 7518 section 6.2.1.2: always 32 bytes on P-256, or some libraries refuse the key."""
    # The point of P-256 with x = 5, whose coordinate has 31 leading zero bytes.
    p, b = SECP256R1_PRIME, SECP256R1_B
    y = pow((5**3 - 3 * 5 + b) % p, (p + 1) // 4, p)
    public = EllipticCurvePublicNumbers(5, y, SECP256R1()).public_key()

    assert len(base64url.decode(public_members(public)["x"]) or b"") == 32


SECP256R1_PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
SECP256R1_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B


@pytest.mark.parametrize(
    ("public", "names"),
    [
        (generate_ec(SECP256R1()).public_key(), {"kty", "crv", "x", "y"}),
        (Ed25519PrivateKey.generate().public_key(), {"kty", "crv", "x"}),
        (generate_rsa(65537, 2048).public_key(), {"kty", "n", "e"}),
    ],
    ids=["EC", "OKP", "RSA"],
)
def test_only_public_members_are_written(public: PublicKey, names: set[str]) -> None:
    """Exactly those that the key needs, and what it is for."""
    jwk = public_jwk("kid-1", "alg-1", public_members(public))

    assert set(jwk) == names | {"kid", "use", "alg"}
    assert not PRIVATE_MEMBERS & set(jwk)
    assert (jwk["kid"], jwk["use"], jwk["alg"]) == ("kid-1", "sig", "alg-1")


def test_text_spells_a_key_with_exactly_its_members() -> None:
    """Order and white space make no difference; one member more or less does."""
    jwk = {"kty": "OKP", "x": "a"}

    assert spells(' {"x": "a", "kty": "OKP"}', jwk)
    for text in (json.dumps(jwk | {"d": "b"}), '{"x": "a"}', "", "[]", "null", "{", "[" * 100_000):
        assert not spells(text, jwk)
