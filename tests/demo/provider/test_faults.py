"""Each fault of the demo Provider does what its line says, and nothing else goes wrong with it."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from broker.demo.provider import FAULTS
from broker.demo.provider.faults import Place, by_place
from tests.demo.provider.software import ISSUER, NOW, REGISTRATION, Software

Claims = dict[str, Any]

UNCHECKED: Any = {"verify_exp": False, "verify_iat": False, "verify_aud": False}

CLAIMS_CHANGED: dict[str, Callable[[Claims], Claims]] = {
    "wrong_issuer": lambda good: good | {"iss": "https://issuer.wrong.example"},
    "wrong_audience": lambda good: good | {"aud": "somebody-else.apps.example", "azp": "somebody-else.apps.example"},
    "extra_audience_with_other_azp": lambda good: (
        good | {"aud": [REGISTRATION.client_id, "somebody-else.apps.example"], "azp": "somebody-else.apps.example"}
    ),
    "wrong_nonce": lambda good: good | {"nonce": "the-nonce-of-another-sign-in"},
    "no_nonce": lambda good: {name: value for name, value in good.items() if name != "nonce"},
    "expired": lambda good: good | {"iat": NOW - 7200, "exp": NOW - 3600},
    "issued_in_future": lambda good: good | {"iat": NOW + 3600, "exp": NOW + 7200},
    "no_sub": lambda good: {name: value for name, value in good.items() if name != "sub"},
    "wrong_at_hash": lambda good: good | {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
}
SIGNED_DIFFERENTLY = {
    "alg_none",
    "alg_hs256_with_public_key",
    "bad_signature",
    "unknown_kid",
    "key_in_header",
    "crit_header",
}
AT_THE_CALLBACK = {"wrong_callback_issuer", "no_callback_issuer", "wrong_state"}
IN_AN_ANSWER = {"no_id_token", "huge_json", "userinfo_other_sub"}
PUBLISHED = {"discovery_wrong_issuer", "jwks_garbage_key"}
IN_TEST_TRANSPORT = {fault.name for fault in by_place()[Place.TRANSPORT]}


def part(id_token: str, number: int) -> Claims:
    """The header (0) or the claims (1) of a token as they are, whatever a strict reader would say to them."""
    text = id_token.split(".")[number]
    value: Claims = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return value


def signature_is_good(software: Software, id_token: str) -> bool:
    """Whether the published key that the token names made its signature, whatever the header and claims say."""
    published = software.channel.get("/oauth2/v3/certs").json()["keys"]
    (key,) = [jwt.PyJWK(key).key for key in published if key["kid"] == part(id_token, 0)["kid"]]
    text, _, signature = id_token.rpartition(".")
    try:
        key.verify(urlsafe_b64decode(signature + "=="), text.encode(), PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


@pytest.fixture
def software() -> Software:
    return Software()


def test_every_fault_is_tested_here_or_in_test_transport() -> None:
    """A new row in the table needs a new test."""
    tested = set(CLAIMS_CHANGED) | SIGNED_DIFFERENTLY | AT_THE_CALLBACK | IN_AN_ANSWER | PUBLISHED

    assert tested | IN_TEST_TRANSPORT == set(FAULTS)
    assert not tested & IN_TEST_TRANSPORT


def test_every_fault_says_in_a_line_what_it_does() -> None:
    """And stands on the persona page under its place."""
    assert all(fault.says.endswith(".") and len(fault.says) < 90 for fault in FAULTS.values())
    assert [fault for faults in by_place().values() for fault in faults] != []
    assert {fault.name for faults in by_place().values() for fault in faults} == set(FAULTS)


@pytest.mark.parametrize("name", CLAIMS_CHANGED)
def test_faults_of_claims_change_them_under_a_good_signature(software: Software, name: str) -> None:
    """The signature verifies, and exactly the named claims differ from a good sign-in's."""
    good = software.verified(software.sign_in()["id_token"])

    tokens = software.sign_in(fault=name)

    bad = part(tokens["id_token"], 1)
    assert signature_is_good(software, tokens["id_token"])
    changed = CLAIMS_CHANGED[name](good)
    if name != "wrong_at_hash":
        bad, changed = bad | {"at_hash": None}, changed | {"at_hash": None}
    assert bad == changed


@pytest.mark.parametrize("name", sorted(SIGNED_DIFFERENTLY))
def test_faults_of_signing_leave_the_claims_alone(software: Software, name: str) -> None:
    """What is said is right, and no strict reader takes it."""
    good = software.verified(software.sign_in()["id_token"])

    id_token = software.sign_in(fault=name)["id_token"]

    assert part(id_token, 1) | {"at_hash": None} == good | {"at_hash": None}
    with pytest.raises((jwt.PyJWTError, KeyError)):
        software.verified(id_token)


def test_alg_none_is_unsigned(software: Software) -> None:
    """An empty third part."""
    id_token = software.sign_in(fault="alg_none")["id_token"]

    assert part(id_token, 0)["alg"] == "none"
    assert id_token.endswith(".")


def test_the_public_key_is_the_shared_secret(software: Software) -> None:
    """A reader that takes HS256 with the PEM would be fooled."""
    id_token = software.sign_in(fault="alg_hs256_with_public_key")["id_token"]
    pem = software.provider.keys.current.private.public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )
    text, _, signature = id_token.rpartition(".")

    assert part(id_token, 0)["alg"] == "HS256"
    assert urlsafe_b64decode(signature + "=") == hmac.new(pem, text.encode(), hashlib.sha256).digest()


def test_bad_signature_has_a_known_kid(software: Software) -> None:
    """So that only the signature is to blame."""
    id_token = software.sign_in(fault="bad_signature")["id_token"]

    assert part(id_token, 0)["kid"] in software.key_ids()
    assert not signature_is_good(software, id_token)


def test_unknown_kid_is_published_nowhere(software: Software) -> None:
    """However often one looks."""
    id_token = software.sign_in(fault="unknown_kid")["id_token"]

    assert part(id_token, 0)["kid"] not in software.key_ids()


def test_key_in_header_would_fool_who_trusts_it(software: Software) -> None:
    """The signature is good under the key that the token brings, and under no published one."""
    id_token = software.sign_in(fault="key_in_header")["id_token"]
    header = part(id_token, 0)

    assert jwt.decode(id_token, jwt.PyJWK(header["jwk"]), algorithms=["RS256"], options=UNCHECKED)
    assert header["kid"] in software.key_ids()
    assert not signature_is_good(software, id_token)


def test_crit_header_is_signed_well(software: Software) -> None:
    """Only the unknown extension is wrong."""
    id_token = software.sign_in(fault="crit_header")["id_token"]
    (extension,) = part(id_token, 0)["crit"]

    assert part(id_token, 0)[extension] is True
    assert signature_is_good(software, id_token)


def test_wrong_callback_issuer(software: Software) -> None:
    """RFC 9207: the code names somebody else."""
    assert software.allow(fault="wrong_callback_issuer")["iss"] == "https://issuer.wrong.example"


def test_no_callback_issuer(software: Software) -> None:
    """RFC 9207: promised in the metadata, and not there."""
    assert set(software.allow(fault="no_callback_issuer")) == {"code", "state"}


def test_wrong_state(software: Software) -> None:
    """The code is good, the state is not ours."""
    answer = software.allow(fault="wrong_state")

    assert answer["state"] != "the-state"
    assert software.redeem(answer["code"]).status_code == 200


def test_no_id_token(software: Software) -> None:
    """All the rest is there."""
    assert set(software.sign_in(fault="no_id_token")) == {
        "access_token",
        "expires_in",
        "scope",
        "token_type",
        "refresh_token",
    }


def test_huge_json(software: Software) -> None:
    """A right answer of 16 MiB."""
    tokens = software.sign_in(fault="huge_json")

    assert len(tokens["padding"]) == 16 * 1024 * 1024
    assert software.verified(tokens["id_token"])


def test_userinfo_other_sub(software: Software) -> None:
    """The ID token is about Ada, userinfo about somebody else; the next sign-in is right again."""
    tokens = software.sign_in(fault="userinfo_other_sub")
    next_tokens = software.sign_in()

    sub = software.verified(tokens["id_token"])["sub"]
    assert software.userinfo(tokens["access_token"]).json()["sub"] != sub
    assert software.userinfo(next_tokens["access_token"]).json()["sub"] == sub


def test_discovery_wrong_issuer_is_shown_once_when_picked_for_one_sign_in(software: Software) -> None:
    """The next fetch sees it, the one after does not."""
    software.allow(fault="discovery_wrong_issuer")

    issuers = [software.channel.get("/.well-known/openid-configuration").json()["issuer"] for _ in range(2)]

    assert issuers == ["https://issuer.wrong.example", ISSUER]


def test_jwks_garbage_key_comes_with_a_new_key(software: Software) -> None:
    """The token's key is there beside a malformed one; the set must be fetched anew to find it."""
    before = software.key_ids()

    id_token = software.sign_in(fault="jwks_garbage_key")["id_token"]
    first, second = software.key_ids(), software.key_ids()

    kid = part(id_token, 0)["kid"]
    assert kid not in before
    assert first == ["garbage", kid, *before]
    assert second == [kid, *before]


def test_a_lasting_fault_is_in_every_sign_in_until_taken_back(software: Software) -> None:
    """`provider.fault` strikes them all, refreshes too."""
    refresh_token = software.sign_in()["refresh_token"]
    software.provider.fault = "no_sub"
    bad = [software.sign_in(), software.refresh(refresh_token).json()]
    software.provider.fault = None
    good = software.sign_in()

    assert ["sub" in part(tokens["id_token"], 1) for tokens in (*bad, good)] == [False, False, True]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("discovery_wrong_issuer", "/.well-known/openid-configuration"),
        ("jwks_garbage_key", "/oauth2/v3/certs"),
    ],
)
def test_lasting_faults_of_what_is_published_last(software: Software, name: str, path: str) -> None:
    """Every fetch sees them."""
    good = software.channel.get(path).json()
    software.provider.fault = name

    bad = [software.channel.get(path).json() for _ in range(2)]

    assert bad[0] == bad[1] != good


def test_a_fault_picked_for_one_sign_in_does_not_outlive_it(software: Software) -> None:
    """The next sign-in behaves, and so does a refresh."""
    refresh_token = software.sign_in(fault="no_nonce")["refresh_token"]

    assert "nonce" in software.verified(software.sign_in()["id_token"])
    assert software.verified(software.refresh(refresh_token).json()["id_token"])


def test_an_unknown_fault_is_noticed_at_once(software: Software) -> None:
    """A mistyped name must not let a test pass."""
    with pytest.raises(ValueError, match="no such fault"):
        software.provider.fault = "no_such_fault"
    assert software.provider.fault is None
