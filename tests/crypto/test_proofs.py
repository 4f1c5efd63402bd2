"""Signatures by a key that comes along: which key it was, and that nothing else passes for a proof."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.crypto.foreign_jws import LONGEST
from broker.crypto.proofs import proven_by
from broker.domain.public_key import members_of
from tests.flows.proofs import Holder

OF_RFC_9449 = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJo"
    "RjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJq"
    "dGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxN"
    "TYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)
EC, OKP = Holder(), Holder(ed25519.Ed25519PrivateKey.generate(), "EdDSA")
OKP_NOW = Holder(OKP.private, "Ed25519")  # as RFC 9864 would have it called
_RSA = rsa.generate_private_key(65537, 2048)
RSA, PSS = Holder(_RSA, "RS256"), Holder(_RSA, "PS256")
WEAK = Holder(rsa.generate_private_key(65537, 1024), "RS256")


def test_the_proof_of_the_rfc_is_good() -> None:
    """RFC 9449 section 4.1, and the thumbprint that section 6.1 has of its key (RFC 7638)."""
    assert proven_by(OF_RFC_9449) == (
        {
            "jti": "-BwC3ESc6acc2lTc",
            "htm": "POST",
            "htu": "https://server.example.com/token",
            "iat": 1562262616,
        },
        "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
    )


@pytest.mark.parametrize("holder", [EC, OKP, OKP_NOW, RSA, PSS], ids=lambda holder: holder.alg)
def test_each_algorithm_is_verified(holder: Holder) -> None:
    """With members beside the key's own that say nothing more, as browsers export it; what is unknown is ignored."""
    exported = holder.jwk | {"ext": True, "key_ops": ["verify"]}
    for text in (holder.proof(), holder.proof(header={"jwk": exported, "extra": [7]})):
        opened = proven_by(text)
        assert opened is not None and opened[1] == holder.thumbprint


_OTHER_KEYS: tuple[Any, ...] = (..., None, {}, "x", [], 7, {"kty": "EC"}, {"kty": ["EC"]}, OKP.jwk, RSA.jwk)


@pytest.mark.parametrize(
    "header",
    [
        *({"typ": typ} for typ in (..., "", "JWT", "at+jwt", "DPOP+JWT", 7, ["dpop+jwt"])),
        *({"jwk": jwk} for jwk in _OTHER_KEYS),
        {"jwk": EC.jwk | {"d": "A" * 43}},
        {"jwk": EC.jwk | {"alg": "ES384"}},
        {"jwk": EC.jwk | {"crv": "P-384"}},
        {"jwk": EC.jwk | {"crv": ["P-256"]}},
        {"jwk": EC.jwk | {"x": "A" * 43}},
        {"jwk": EC.jwk | {"x": ""}},
        {"jwk": EC.jwk | {"use": "enc"}},
        {"jwk": {"kty": "oct", "k": "A" * 43}},
        *({name: value} for name, value in (("crit", ["exp"]), ("jku", "x"), ("x5c", []), ("b64", False))),
    ],
)
def test_headers_that_say_anything_else_are_refused(header: dict[str, Any]) -> None:
    """RFC 9449 section 4.3: kind, key, private members; and RFC 8725 section 3.10."""
    assert proven_by(bent(EC, header)) is None


def bent(holder: Holder, header: dict[str, Any]) -> str:
    """A good proof with another header, signed again by the same key."""
    return holder.proof(header=header)


def test_weak_keys_and_other_algorithms_are_refused() -> None:
    """RSA below 2048 bits; "none"; an HMAC with the public key as its secret (RFC 8725 sections 2.1 and 3.2)."""
    assert members_of(WEAK.jwk) is None
    assert proven_by(RSA.proof(header={"jwk": WEAK.jwk})) is None
    _, payload, signature = EC.proof().split(".")
    for alg, jwk in (("none", EC.jwk), ("HS256", EC.jwk), ("RS256", EC.jwk), ("ES256", RSA.jwk), (None, EC.jwk)):
        head = encoded({"typ": "dpop+jwt", "alg": alg, "jwk": jwk})
        mac = hmac.digest(json.dumps(jwk).encode(), f"{head}.{payload}".encode(), "sha256")
        for end in (signature, base64.urlsafe_b64encode(mac).rstrip(b"=").decode(), ""):
            assert proven_by(f"{head}.{payload}.{end}") is None


def test_a_key_has_one_spelling() -> None:
    """Stray last bits would be another thumbprint of the same key."""
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = EC.jwk["x"][:-1] + last[last.index(EC.jwk["x"][-1]) | 1]

    assert proven_by(EC.proof(header={"jwk": EC.jwk | {"x": twin}})) is None


def test_only_the_compact_form_is_read() -> None:
    """Nothing, nonsense, padding, white space, JSON, one that is too long; claims that are no object."""
    good = EC.proof()
    for text in ("", "..", good[:-3], good + "AA", good + "=", f" {good}", f"{good}.", '{"payload":""}', "é" * 9):
        assert proven_by(text) is None
    assert proven_by(EC.proof(jti="x" * LONGEST)) is None
    assert proven_by(EC.proof(header={"jwk": Holder().jwk})) is None
    head, _, signature = good.split(".")
    assert proven_by(f"{head}.{encoded([])}.{signature}") is None


_VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just(EC.jwk)
_JSON = st.recursive(_VALUES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2))


@settings(max_examples=60)
@given(st.sampled_from(["typ", "alg", "jwk", "kid", "crit"]), _JSON, st.sampled_from(["", "x", "y", "crv", "kty"]))
def test_no_header_does_harm(name: str, value: Any, inside: str) -> None:
    """Whatever stands in it, or in its key: the signature, which is of another header, does not hold."""
    header: dict[str, Any] = {"typ": "dpop+jwt", "alg": "ES256", "jwk": EC.jwk}
    header = header | ({"jwk": EC.jwk | {inside: value}} if name == "jwk" and inside else {name: value})
    _, payload, signature = EC.proof().split(".")
    assert proven_by(f"{encoded(header)}.{payload}.{signature}") is None


def encoded(part: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
