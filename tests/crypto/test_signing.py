"""Tokens that the broker signs: other libraries accept them, and so does the broker, for what they are."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest
from joserfc import jws
from joserfc.jwk import KeySet
from joserfc.registry import HeaderParameter

from broker.crypto.signing import JwtSigner
from broker.crypto.signing_keys import ALGORITHMS, SigningKeyRefused, generate
from broker.domain.errors import Fault
from broker.flows.ports import Signer
from tests.crypto.examples import EC_KEYS, loaded

ISSUER = "https://id.partner-ops.example"
NOW = 1_700_000_000
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "usr_1",
    "aud": "https://api.partner-ops.example",
    "iat": NOW,
    "exp": NOW + 300,
    "name": "Grüße, 世界",
    "authorizations": {"acme": ["invoices:read"]},
}


def signer_of(alg: str) -> JwtSigner:
    """A signer with one new key."""
    return JwtSigner(ISSUER, [loaded(generate(alg))])


SIGNERS = {alg: signer_of(alg) for alg in ALGORITHMS}
SIGNER: Signer = SIGNERS["ES256"]


def header_of(token: str) -> Any:
    """The first part, decoded."""
    return json.loads(base64.urlsafe_b64decode(token.split(".", maxsplit=1)[0] + "=="))


@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize("typ", ["at+jwt", "JWT", "logout+jwt"])
def test_what_was_signed_is_recognised(alg: str, typ: str) -> None:
    """With all its claims."""
    signer = SIGNERS[alg]

    assert signer.verify(signer.sign(CLAIMS, typ=typ), typ=typ, audience=CLAIMS["aud"], now=NOW) == CLAIMS


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_the_header_says_algorithm_key_and_kind(alg: str) -> None:
    """And nothing else."""
    signer = SIGNERS[alg]

    assert header_of(signer.sign(CLAIMS, typ="at+jwt")) == {"alg": alg, "kid": signer.keys[0].kid, "typ": "at+jwt"}


# RFC 9864 would have EdDSA on this curve called Ed25519, which most libraries do not know yet.
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated:joserfc.errors.SecurityWarning")
@pytest.mark.parametrize("alg", ALGORITHMS)
def test_joserfc_accepts_the_token_with_the_published_keys(alg: str) -> None:
    """A library that had no part in signing it."""
    signer = SIGNERS[alg]
    keys = KeySet.import_key_set(json.loads(signer.jwks()))
    registry = jws.JWSRegistry({"typ": HeaderParameter("kind", "str")}, algorithms=list(ALGORITHMS))
    verified = jws.deserialize_compact(signer.sign(CLAIMS, typ="at+jwt"), keys, registry=registry)

    assert json.loads(verified.payload) == CLAIMS


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_pyjwt_accepts_the_token_with_the_published_keys(alg: str) -> None:
    """As a downstream service would use it."""
    signer = SIGNERS[alg]
    token = signer.sign(CLAIMS | {"exp": 4_000_000_000}, typ="at+jwt")
    key = jwt.PyJWKSet.from_json(signer.jwks().decode())[header_of(token)["kid"]]

    assert jwt.decode(token, key, algorithms=[alg], audience=CLAIMS["aud"], issuer=ISSUER)["sub"] == "usr_1"


def test_one_kind_of_token_is_not_taken_for_another() -> None:
    """RFC 8725 section 3.11: every pair."""
    kinds = ("at+jwt", "JWT", "logout+jwt", "AT+JWT", "application/at+jwt", "")
    for kind in kinds[:3]:
        token = SIGNER.sign(CLAIMS, typ=kind)
        accepted = [other for other in kinds if SIGNER.verify(token, typ=other, audience=None, now=NOW) is not None]

        assert accepted == [kind]


@pytest.mark.parametrize("issuer", [ISSUER + "/", ISSUER.upper(), "https://other.example", "", None, [ISSUER], 1])
def test_another_issuers_token_is_not_ours(issuer: object) -> None:
    """Even under our own key; nor is one without an issuer."""
    for claims in (CLAIMS | {"iss": issuer}, {n: v for n, v in CLAIMS.items() if n != "iss"}):
        assert SIGNER.verify(SIGNER.sign(claims, typ="JWT"), typ="JWT", audience=None, now=NOW) is None


@pytest.mark.parametrize("audience", ["", "https://other.example", CLAIMS["aud"] + "/", [CLAIMS["aud"]], None, 1])
def test_a_token_for_another_audience_is_refused(audience: object) -> None:
    """Absent, empty, wrong, a list; only whoever asks for none gets any."""
    token = SIGNER.sign(CLAIMS | {"aud": audience}, typ="JWT")
    absent = SIGNER.sign({n: v for n, v in CLAIMS.items() if n != "aud"}, typ="JWT")

    assert SIGNER.verify(token, typ="JWT", audience=CLAIMS["aud"], now=NOW) is None
    assert SIGNER.verify(absent, typ="JWT", audience=CLAIMS["aud"], now=NOW) is None
    assert SIGNER.verify(token, typ="JWT", audience=None, now=NOW) is not None


def test_an_empty_audience_is_not_any_audience() -> None:
    """Empty means nothing."""
    assert SIGNER.verify(SIGNER.sign(CLAIMS, typ="JWT"), typ="JWT", audience="", now=NOW) is None


def test_a_token_expires_on_the_second() -> None:
    """Accepted until the second before; without a time, ever."""
    token = SIGNER.sign(CLAIMS, typ="JWT")

    assert SIGNER.verify(token, typ="JWT", audience=None, now=NOW + 299) is not None
    assert SIGNER.verify(token, typ="JWT", audience=None, now=NOW + 300) is None
    assert SIGNER.verify(token, typ="JWT", audience=None, now=NOW + 10**9) is None
    assert SIGNER.verify(token, typ="JWT", audience=None, now=None) == CLAIMS


@pytest.mark.parametrize("expires_at", [None, True, "4000000000", 4e9, [4_000_000_000], -1])
def test_a_token_without_a_proper_expiry_has_expired(expires_at: object) -> None:
    """Absent or of another type: refused wherever expiry is looked at."""
    for claims in (CLAIMS | {"exp": expires_at}, {n: v for n, v in CLAIMS.items() if n != "exp"}):
        assert SIGNER.verify(SIGNER.sign(claims, typ="JWT"), typ="JWT", audience=None, now=0) is None


def test_the_machines_clock_plays_no_part() -> None:
    """A token from what this machine takes for the future is verified by the time that is passed in."""
    future = CLAIMS | {"iat": 10**10, "nbf": 10**10, "exp": 10**10 + 300}

    assert SIGNER.verify(SIGNER.sign(future, typ="JWT"), typ="JWT", audience=None, now=10**10) is not None


def test_only_public_members_are_published() -> None:
    """Of all kinds of keys, in their order."""
    keys = [loaded(generate(alg), active=alg == "ES256") for alg in ALGORITHMS]
    published = json.loads(JwtSigner(ISSUER, keys).jwks())["keys"]

    assert [key["kid"] for key in published] == [key.kid for key in keys]
    assert {name for key in published for name in key} == {"kty", "crv", "x", "y", "n", "e", "kid", "use", "alg"}


def test_the_algorithms_are_those_of_the_keys() -> None:
    """Each once, for discovery."""
    keys = [loaded(EC_KEYS[0]), loaded(EC_KEYS[1], active=False), loaded(generate("EdDSA"), active=False)]

    assert JwtSigner(ISSUER, keys).algorithms == ("ES256", "EdDSA")
    assert JwtSigner(ISSUER).algorithms == ()


def test_keys_change_hands_without_a_failure() -> None:
    """Published, then active, then only verifying, then gone: what was signed before is recognised until the end."""
    old, new = (loaded(key, active=False) for key in EC_KEYS)
    old_active, new_active = (loaded(key) for key in EC_KEYS)
    signer = JwtSigner(ISSUER, [old_active])
    before = signer.sign(CLAIMS, typ="JWT")

    signer.use([old_active, new])
    assert header_of(signer.sign(CLAIMS, typ="JWT"))["kid"] == old.kid
    signer.use([old, new_active])
    after = signer.sign(CLAIMS, typ="JWT")
    assert header_of(after)["kid"] == new.kid
    assert signer.verify(before, typ="JWT", audience=None, now=NOW) == CLAIMS
    signer.use([new_active])

    assert signer.verify(before, typ="JWT", audience=None, now=NOW) is None
    assert signer.verify(after, typ="JWT", audience=None, now=NOW) == CLAIMS
    assert [key["kid"] for key in json.loads(signer.jwks())["keys"]] == [new.kid]


def test_a_token_that_was_recognised_is_judged_again_each_time() -> None:
    """That its signature held is remembered; what it is good for is not, nor is it once its key is withdrawn."""
    key, another = loaded(generate("ES256")), loaded(generate("EdDSA"))
    signer = JwtSigner(ISSUER, [key])
    token = signer.sign(CLAIMS, typ="at+jwt")
    first = signer.verify(token, typ="at+jwt", audience=None, now=NOW)
    assert first is not None
    first["sub"] = "usr_2"

    assert signer.verify(token, typ="at+jwt", audience=None, now=NOW) == CLAIMS
    assert signer.verify(token, typ="at+jwt", audience=None, now=CLAIMS["exp"]) is None
    assert signer.verify(token, typ="at+jwt", audience="another", now=NOW) is None
    assert signer.verify(token, typ="JWT", audience=None, now=NOW) is None
    assert signer.verify(token[:-4] + "AAAA", typ="at+jwt", audience=None, now=NOW) is None

    signer.use([another])
    assert signer.verify(token, typ="at+jwt", audience=None, now=NOW) is None


def test_each_algorithm_has_a_key_of_its_own() -> None:
    """Without one the default signs, and without that any that may."""
    es, ed = loaded(EC_KEYS[0]), loaded(generate("EdDSA"))
    waits = loaded(generate("RS256"), active=False)

    def signs(signer: JwtSigner, alg: str | None) -> str:
        return str(header_of(signer.sign(CLAIMS, typ="JWT", alg=alg))["kid"])

    signer = JwtSigner(ISSUER, [ed, es, waits])
    wanted: list[str | None] = [None, "ES256", "EdDSA", "RS256"]
    assert [signs(signer, alg) for alg in wanted] == [es.kid, es.kid, ed.kid, es.kid]
    signer = JwtSigner(ISSUER, [es, waits], algorithm="EdDSA")
    assert [signs(signer, alg) for alg in wanted] == [es.kid] * 4
    assert [signs(JwtSigner(ISSUER, [es, ed], algorithm="EdDSA"), alg) for alg in (None, "RS256")] == [ed.kid] * 2


def test_without_an_active_key_nothing_is_signed() -> None:
    """A fault, since trying again may help; nothing is recognised without any key."""
    token = SIGNER.sign(CLAIMS, typ="JWT")
    for keys in ([], [loaded(EC_KEYS[0], active=False)]):
        signer = JwtSigner(ISSUER, keys)

        with pytest.raises(Fault, match="no_signing_key"):
            signer.sign(CLAIMS, typ="JWT")
        assert signer.verify(token, typ="JWT", audience=None, now=NOW) is None
    assert json.loads(JwtSigner(ISSUER).jwks()) == {"keys": []}


def test_two_active_keys_are_refused_and_the_old_ones_kept() -> None:
    """As are two of one name."""
    first, second = (loaded(key) for key in EC_KEYS)
    signer = JwtSigner(ISSUER, [first])

    for keys in ([first, second], [first, loaded(EC_KEYS[0], active=False)]):
        with pytest.raises(SigningKeyRefused, match="two keys"):
            signer.use(keys)
        assert signer.keys == (first,)
        assert header_of(signer.sign(CLAIMS, typ="JWT"))["kid"] == first.kid


def test_no_key_is_shown_by_a_repr() -> None:
    """Of the signer."""
    assert repr(SIGNER).startswith("<broker.crypto.signing.JwtSigner object")
