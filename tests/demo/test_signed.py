"""Checking a signed token: every way in which one can be wrong, and the few in which it may differ."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import OKPAlgorithm, RSAAlgorithm

from broker.demo.published import Published
from broker.demo.signed import SESSION_JWT_TYPES, NotValid, check
from tests.demo.fake_broker import AUDIENCE, ISSUER, NOW, FakeBroker, Key, Wire


@pytest.fixture
def broker() -> FakeBroker:
    return FakeBroker()


def checked(broker: FakeBroker, token: str) -> Mapping[str, Any]:
    """The claims of a token that passes as a session JWT of this broker, now."""
    published = Published(issuer=ISSUER, call=Wire({ISSUER: broker.app}), clock=lambda: NOW)
    return asyncio.run(check(token, published, audience=AUDIENCE, types=SESSION_JWT_TYPES, now=NOW))


def _by_hand(broker: FakeBroker, algorithm: str, sign: Callable[[bytes], bytes]) -> str:
    header = {"alg": algorithm, "typ": "at+jwt", "kid": "one"}
    text = ".".join(_base64url(json.dumps(part).encode()) for part in (header, broker.session_claims()))
    return f"{text}.{_base64url(sign(text.encode()))}"


def _none(broker: FakeBroker) -> str:
    return _by_hand(broker, "none", lambda text: b"")


def _hs256(broker: FakeBroker) -> str:
    secret = broker.key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return _by_hand(broker, "HS256", lambda text: hmac.new(secret, text, hashlib.sha256).digest())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _tampered(broker: FakeBroker) -> str:
    header, _, signature = broker.session_jwt().split(".")
    claims = json.dumps(broker.session_claims() | {"sub": "somebody-else"})
    return f"{header}.{_base64url(claims.encode())}.{signature}"


def _signed(**header: Any) -> Callable[[FakeBroker], str]:
    return lambda broker: broker.key.sign(broker.session_claims(), **({"typ": "at+jwt"} | header))


def _claiming(**changes: Any) -> Callable[[FakeBroker], str]:
    return lambda broker: broker.session_jwt(**changes)


REFUSED: dict[str, tuple[Callable[[FakeBroker], str], str]] = {
    "not a token": (lambda broker: "abc", "It is not a signed token."),
    "two parts": (lambda broker: "e30.e30", "It is not a signed token."),
    "too long": (lambda broker: "a" * 20_000, "It is too long to be a token of the broker."),
    "unsigned": (_none, "It is not signed in a way that is accepted here."),
    "public key as secret": (_hs256, "It is not signed in a way that is accepted here."),
    "claims changed": (_tampered, "Its signature is wrong."),
    "cut short": (lambda broker: broker.session_jwt()[:-2], "Its signature is wrong."),
    "strange key, known id": (
        lambda broker: Key("one").sign(broker.session_claims(), typ="at+jwt"),
        "Its signature is wrong.",
    ),
    "strange key": (
        lambda broker: Key("two").sign(broker.session_claims(), typ="at+jwt"),
        "It is signed with a key that the broker does not publish.",
    ),
    "key in the header": (
        lambda broker: (key := Key("two")).sign(broker.session_claims(), typ="at+jwt", jwk=key.jwk()),
        "It is signed with a key that the broker does not publish.",
    ),
    "no key id": (
        lambda broker: jwt.encode(broker.session_claims(), broker.key.private, "ES256", headers={"typ": "at+jwt"}),
        "It is not signed in a way that is accepted here.",
    ),
    "unknown crit": (_signed(crit=["x"], x=1), "It is not a signed token."),
    "an ID token": (_signed(typ="JWT"), "It is another kind of token."),
    "a logout token": (_signed(typ="logout+jwt"), "It is another kind of token."),
    "no type": (_signed(typ=""), "It is another kind of token."),
    "no issuer": (_claiming(iss=...), "It was issued by somebody else."),
    "another issuer": (_claiming(iss=f"{ISSUER}/"), "It was issued by somebody else."),
    "many issuers": (_claiming(iss=[ISSUER]), "It was issued by somebody else."),
    "no audience": (_claiming(aud=...), "It was issued for another service."),
    "empty audience": (_claiming(aud=""), "It was issued for another service."),
    "another audience": (_claiming(aud="https://other.example"), "It was issued for another service."),
    "many audiences": (
        _claiming(aud=[AUDIENCE, "https://other.example"]),
        "It was issued for another service.",
    ),
    "expired": (_claiming(exp=NOW - 31), "It has expired."),
    "no expiry": (_claiming(exp=...), "It does not say when it was issued and when it expires."),
    "expiry as text": (
        _claiming(exp=str(NOW + 300)),
        "It does not say when it was issued and when it expires.",
    ),
    "expiry as fraction": (_claiming(exp=1e300), "It does not say when it was issued and when it expires."),
    "expiry as truth": (_claiming(exp=True), "It does not say when it was issued and when it expires."),
    "no time of issue": (_claiming(iat=...), "It does not say when it was issued and when it expires."),
    "from the future": (_claiming(iat=NOW + 31), "It is not valid yet."),
    "not before later": (_claiming(nbf=NOW + 31), "It is not valid yet."),
    "no user": (_claiming(sub=...), "It names no User."),
    "empty user": (_claiming(sub=""), "It names no User."),
    "user as number": (_claiming(sub=1), "It names no User."),
}


def test_a_good_token_gives_its_claims(broker: FakeBroker) -> None:
    """All of them, as they are."""
    assert checked(broker, broker.session_jwt()) == broker.session_claims()


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_token_is_refused_with_its_reason(broker: FakeBroker, name: str) -> None:
    """In words that hold nothing of the token."""
    make, reason = REFUSED[name]

    with pytest.raises(NotValid) as refusal:
        checked(broker, make(broker))

    assert refusal.value.reason == reason


@pytest.mark.parametrize("changes", [{"exp": NOW - 29}, {"iat": NOW + 30}, {"nbf": NOW + 30}, {"aud": [AUDIENCE]}])
def test_small_differences_are_tolerated(broker: FakeBroker, changes: dict[str, Any]) -> None:
    """Clocks differ by seconds, and a list of one audience is one audience."""
    assert checked(broker, broker.session_jwt(**changes))["sub"] == "user-1"


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_the_type_is_a_media_type(broker: FakeBroker, typ: str) -> None:
    """RFC 9068 section 4, and media types have no case."""
    token = broker.key.sign(broker.session_claims(), typ=typ)

    assert checked(broker, token) == broker.session_claims()


def test_ed25519_and_rsa_are_accepted_too(broker: FakeBroker) -> None:
    """The other two of the broker's algorithms."""
    edwards = ed25519.Ed25519PrivateKey.generate()
    rivest = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    broker.jwks["keys"] += [
        OKPAlgorithm.to_jwk(edwards.public_key(), as_dict=True) | {"kid": "ed"},
        RSAAlgorithm.to_jwk(rivest.public_key(), as_dict=True) | {"kid": "rsa", "alg": "RS256"},
    ]
    claims = broker.session_claims()

    for key, algorithm, kid in ((edwards, "EdDSA", "ed"), (rivest, "RS256", "rsa")):
        token = jwt.encode(claims, key, algorithm, headers={"typ": "at+jwt", "kid": kid})
        assert checked(broker, token) == broker.session_claims()
    wrong = jwt.encode(claims, rivest, "PS256", headers={"typ": "at+jwt", "kid": "rsa"})
    with pytest.raises(NotValid):
        checked(broker, wrong)


def test_a_key_is_used_for_its_own_algorithm_only(broker: FakeBroker) -> None:
    """RFC 8725 section 3.1: a token that names an accepted algorithm, but not its key's, is refused by name."""
    rivest = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    header = {"typ": "at+jwt", "kid": broker.key.kid}
    token = jwt.encode(broker.session_claims(), rivest, "RS256", headers=header)

    with pytest.raises(NotValid, match="a key that the broker does not publish"):
        checked(broker, token)
