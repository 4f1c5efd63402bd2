"""G03: ID tokens that must not be believed (OpenID Connect Core section 3.1.3.7, RFC 8725).

Every case goes the whole way: authorize, callback, code, token. Refused means refused by the code named, with the
tokens that came along ended at the Provider, and nothing of them in the error.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from broker.domain.errors import Fault, Refusal
from broker.upstream.http import Transport
from broker.upstream.id_token import LONGEST_TOKEN, Bound, verify_id_token
from broker.upstream.keys import KeyCache
from broker.upstream.line import Line
from broker.upstream.metadata import read_metadata
from tests.fakes.providers.keys import FakeKey, base64url, compact, half_hash, header_of, key
from tests.fakes.providers.oidc import FakeOpenIdProvider
from tests.fakes.providers.provider import Json
from tests.fakes.providers.trip import Trip, trip_to
from tests.upstream.leaks import leaked, told_by

pytestmark = pytest.mark.anyio

Sign = Callable[[bytes], bytes]
Forge = Callable[[Json, Json, FakeKey], str]


class _Deleted:
    def __repr__(self) -> str:
        return "deleted"


DELETED = _Deleted()


@pytest.fixture
async def trip() -> AsyncIterator[Trip[FakeOpenIdProvider]]:
    async with trip_to(FakeOpenIdProvider) as made:
        yield made


async def refusal(trip: Trip[FakeOpenIdProvider], code: str, detail: str) -> None:
    """The sign-in is refused with this code, and leaves nothing behind."""
    with pytest.raises(Refusal) as raised:
        await trip.sign_in("email", "name")

    assert (raised.value.code, raised.value.detail) == (code, detail)
    assert trip.fake.living == {}
    assert trip.fake.requests["token"] == 1
    assert leaked(trip.fake, told_by(raised.value)) == set()


def forged(trip: Trip[FakeOpenIdProvider], forge: Forge) -> None:
    """Let `forge` make the ID token from the right header, the right claims and the right key."""

    def sign(header: Mapping[str, Any], claims: Any, sign: Sign) -> str:
        return forge(dict(header), dict(claims), trip.fake.key)

    trip.fake.sign = sign


def bent(trip: Trip[FakeOpenIdProvider], **changed: Any) -> None:
    """Change claims; `DELETED` takes one away."""
    trip.fake.bend_claims = lambda claims: {n: v for n, v in (claims | changed).items() if v is not DELETED}


def unsigned(_: bytes) -> bytes:
    return b""


async def test_a_right_token_is_believed(trip: Trip[FakeOpenIdProvider]) -> None:
    """What all the others are compared with."""
    verified = await trip.sign_in("email")

    assert verified.identity.subject == "248289761001"
    assert verified.identity.issuer == trip.fake.issuer
    assert trip.fake.living != {}


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "NONE", ""], ids=repr)
async def test_g03_01_an_unsigned_token_is_refused(trip: Trip[FakeOpenIdProvider], algorithm: str) -> None:
    """No spelling of `none` is an algorithm; the empty signature does not even have the form."""
    forged(trip, lambda header, claims, _: compact(header | {"alg": algorithm}, claims, unsigned))

    await refusal(trip, "invalid_id_token", "not in compact form")


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "NONE", "", None, 1, ["RS256"], {"RS256": 1}], ids=repr)
async def test_g03_01_none_with_a_signature_is_refused(trip: Trip[FakeOpenIdProvider], algorithm: object) -> None:
    """Nor does a signature make it one, nor is anything an algorithm that is no name of one."""
    forged(trip, lambda header, claims, key: compact(header | {"alg": algorithm}, claims, key.sign))

    await refusal(trip, "invalid_id_token", "alg")


def _secrets_from(public: FakeKey) -> dict[str, bytes]:
    published = public.private.public_key()
    pem = published.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "corp.example")])
    today = datetime(2027, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder(name, name, published, 1, today, today + timedelta(days=365))
        .sign(public.private, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )
    return {
        "pem": pem,
        "pem_after_bytes": b"\x00\n" + pem,
        "der": published.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "jwk": json.dumps(public.jwk).encode(),
        "jwks": json.dumps({"keys": [public.jwk]}).encode(),
        "x5c": base64.b64encode(certificate),
        "certificate": certificate,
        "empty": b"",
    }


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"], ids=repr)
@pytest.mark.parametrize(
    "shape", ["pem", "pem_after_bytes", "der", "jwk", "jwks", "x5c", "certificate", "empty", "secret"], ids=repr
)
async def test_g03_02_and_03_a_shared_secret_is_no_signature(
    trip: Trip[FakeOpenIdProvider], algorithm: str, shape: str
) -> None:
    """Not the public key in any of its forms, nor nothing, nor even the secret that we share with the Provider."""
    secrets = _secrets_from(trip.fake.key) | {"secret": trip.fake.enrolled.secret.encode()}
    digest = f"sha{algorithm[2:]}"

    def forge(header: Json, claims: Json, _: FakeKey) -> str:
        return compact(
            header | {"alg": algorithm}, claims, lambda signed: hmac.new(secrets[shape], signed, digest).digest()
        )

    forged(trip, forge)

    await refusal(trip, "invalid_id_token", "alg")
    assert trip.fake.requests["keys"] == 0


@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c"], ids=repr)
async def test_g03_04_a_key_in_the_header_is_not_looked_at(trip: Trip[FakeOpenIdProvider], member: str) -> None:
    """A token cannot bring its own key along, nor say where to fetch one."""
    evil = key("evil")
    brought: Json = {
        "jwk": evil.jwk,
        "jku": f"{trip.fake.base}/evil",
        "x5u": f"{trip.fake.base}/evil",
        "x5c": [base64.b64encode(b"certificate").decode()],
    }
    forged(
        trip,
        lambda header, claims, _: compact(header | {"kid": "evil", member: brought[member]}, claims, evil.sign),
    )

    await refusal(trip, "invalid_id_token", "kid names no published key")
    assert {asked.path for asked in trip.fake.asked} <= {
        "/.well-known/openid-configuration",
        "/authorize",
        "/token",
        "/jwks",
        "/revoke",
    }


@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c", "x5t"], ids=repr)
async def test_g03_04_a_key_in_the_header_of_a_right_token_does_no_harm(
    trip: Trip[FakeOpenIdProvider], member: str
) -> None:
    """It is ignored: some Providers send `x5t`."""
    trip.fake.bend_header = lambda header: header | {member: "https://evil.example/keys"}

    assert (await trip.sign_in("email")).identity.subject == "248289761001"


async def test_g03_04_another_key_under_a_published_id_is_refused(trip: Trip[FakeOpenIdProvider]) -> None:
    """The signature is checked with the published key, whatever the header says."""
    evil = key("evil")
    forged(trip, lambda header, claims, _: compact(header | {"jwk": evil.jwk}, claims, evil.sign))

    await refusal(trip, "invalid_id_token", "signature")


@pytest.mark.parametrize("crit", [["x"], [], ["b64"], "x", None], ids=repr)
async def test_g03_05_crit_is_refused(trip: Trip[FakeOpenIdProvider], crit: object) -> None:
    """We know no extension, so one that must be understood is not (RFC 7515 section 4.1.11)."""
    trip.fake.bend_header = lambda header: header | {"crit": crit, "x": 1, "b64": False}

    await refusal(trip, "invalid_id_token", "crit")


async def test_g03_06_the_json_serialization_is_refused(trip: Trip[FakeOpenIdProvider]) -> None:
    """Flattened or general, with or without signatures, as a string or as an object."""

    def forge(_: Json, claims: Json, __: FakeKey) -> str:
        return json.dumps({"payload": base64url(json.dumps(claims).encode()), "signatures": []})

    forged(trip, forge)

    await refusal(trip, "invalid_id_token", "not in compact form")


async def test_g03_06_an_id_token_that_is_no_string_is_none(trip: Trip[FakeOpenIdProvider]) -> None:
    """An object in its place is not read."""
    trip.fake.bend_answer = lambda answer: answer | {"id_token": {"payload": "e30", "signatures": []}}

    await refusal(trip, "invalid_id_token", "none in the answer")


async def test_an_answer_without_an_id_token_is_refused(trip: Trip[FakeOpenIdProvider]) -> None:
    """No token, no sign-in: the access token alone proves nothing."""
    trip.fake.bend_answer = lambda answer: {n: v for n, v in answer.items() if n != "id_token"}

    await refusal(trip, "invalid_id_token", "none in the answer")


@pytest.mark.parametrize(
    "issuer",
    [DELETED, None, "", "prefix", "longer", "slash", "upper", "list", "object", 1, True, "https://evil.example"],
    ids=repr,
)
async def test_g03_07_another_issuer_is_refused(trip: Trip[FakeOpenIdProvider], issuer: object) -> None:
    """Absent, empty, a prefix, a list with ours in it, another spelling: only the very string is the issuer."""
    ours = trip.fake.issuer
    near_misses: dict[object, object] = {
        "prefix": ours[:-1],
        "longer": f"{ours}.evil.example",
        "slash": f"{ours}/",
        "upper": ours.upper(),
        "list": [ours],
    }
    bent(trip, iss={"iss": ours} if issuer == "object" else near_misses.get(issuer, issuer))

    await refusal(trip, "invalid_id_token", "iss")


@pytest.mark.parametrize(
    "audience",
    [DELETED, None, "", "somebody-else", [], ["somebody-else"], [""], [["us"]], {"us": 1}, 1, True],
    ids=repr,
)
async def test_g03_08_another_audience_is_refused(trip: Trip[FakeOpenIdProvider], audience: object) -> None:
    """A token for other software at the same Provider says nothing to us."""
    bent(trip, aud=audience)

    await refusal(trip, "invalid_audience", "aud")


@pytest.mark.parametrize("azp", ["somebody-else", "us", DELETED], ids=repr)
async def test_g03_09_a_further_audience_is_refused(trip: Trip[FakeOpenIdProvider], azp: object) -> None:
    """Nobody else is trusted with a token for us, whoever asked for it."""
    us = trip.fake.enrolled.application_id
    bent(trip, aud=[us, "somebody-else"], azp=us if azp == "us" else azp)

    await refusal(trip, "invalid_audience", "aud")


@pytest.mark.parametrize("azp", ["somebody-else", "", None, ["us"], 1], ids=repr)
async def test_g03_09_a_token_that_others_asked_for_is_refused(trip: Trip[FakeOpenIdProvider], azp: object) -> None:
    """`azp` names who asked; where it is present it must be us."""
    bent(trip, azp=azp)

    await refusal(trip, "invalid_audience", "azp")


async def test_g03_09_a_list_of_us_alone_is_right(trip: Trip[FakeOpenIdProvider]) -> None:
    """`aud` may be a list (RFC 7519 section 4.1.3)."""
    us = trip.fake.enrolled.application_id
    bent(trip, aud=[us], azp=us)

    assert (await trip.sign_in("email")).identity.subject == "248289761001"


@pytest.mark.parametrize(
    "subject", [DELETED, None, "", "x" * 256, "idé", 248289761001, ["248289761001"], True], ids=repr
)
async def test_g03_10_a_malformed_subject_is_refused(trip: Trip[FakeOpenIdProvider], subject: object) -> None:
    """1 to 255 ASCII characters (OpenID Connect Core section 2)."""
    bent(trip, sub=subject)

    await refusal(trip, "invalid_id_token", "sub")


MALFORMED_TIMES: list[object] = [DELETED, None, "1800000000", 1800000000.0, 1800000000.5, -1, True, [], {}, 10**30]


@pytest.mark.parametrize("name", ["iat", "exp"], ids=repr)
@pytest.mark.parametrize("value", MALFORMED_TIMES, ids=repr)
async def test_g03_11_and_12_a_malformed_time_is_refused(
    trip: Trip[FakeOpenIdProvider], name: str, value: object
) -> None:
    """Absent, a string, a float, negative, too big to be exact: never a 500, never a guess."""
    bent(trip, **{name: value})

    await refusal(trip, "invalid_id_token", "iat, exp or nbf is no whole number of seconds")


@pytest.mark.parametrize("value", [value for value in MALFORMED_TIMES if value is not DELETED], ids=repr)
async def test_g03_12_a_malformed_beginning_is_refused(trip: Trip[FakeOpenIdProvider], value: object) -> None:
    """`nbf` may be absent, but not malformed."""
    bent(trip, nbf=value)

    await refusal(trip, "invalid_id_token", "iat, exp or nbf is no whole number of seconds")


@pytest.mark.parametrize("number", ["1e400", "-1e400", "NaN", "Infinity"], ids=repr)
async def test_g03_12_a_number_beyond_all_bounds_is_refused(trip: Trip[FakeOpenIdProvider], number: str) -> None:
    """Python's own JSON would read infinity; here it is malformed."""

    def forge(header: Json, claims: Json, signer: FakeKey) -> str:
        payload = json.dumps(claims).replace(f'"exp": {claims["exp"]}', f'"exp": {number}')
        signed = f"{base64url(json.dumps(header).encode())}.{base64url(payload.encode())}"
        return f"{signed}.{base64url(signer.sign(signed.encode()))}"

    forged(trip, forge)

    await refusal(trip, "invalid_id_token", "claims: malformed JSON")


@pytest.mark.parametrize(
    ("shifts", "detail"),
    [
        ({"exp": -30}, "exp is past"),
        ({"exp": -3600}, "exp is past"),
        ({"iat": -631}, "iat is too old"),
        ({"nbf": 31}, "nbf is ahead"),
    ],
    ids=repr,
)
async def test_g03_11_a_token_of_another_time_is_refused(
    trip: Trip[FakeOpenIdProvider], shifts: dict[str, int], detail: str
) -> None:
    """Clocks may differ by 30 seconds, and the token was made just now."""
    bent(trip, **{name: trip.clock.now() + shift for name, shift in shifts.items()})

    await refusal(trip, "invalid_id_token", detail)


@pytest.mark.parametrize("shifts", [{"exp": -29}, {"iat": -630}, {"iat": 30}, {"nbf": 30}, {"nbf": -5}], ids=repr)
async def test_g03_11_clocks_may_differ_a_little(trip: Trip[FakeOpenIdProvider], shifts: dict[str, int]) -> None:
    """By the leeway, and not by more."""
    bent(trip, **{name: trip.clock.now() + shift for name, shift in shifts.items()})

    assert (await trip.sign_in("email")).identity.subject == "248289761001"


@pytest.mark.parametrize("ahead", [31, 600, 3600], ids=repr)
async def test_g19_09_a_provider_whose_clock_is_ahead_is_a_fault(trip: Trip[FakeOpenIdProvider], ahead: int) -> None:
    """The token may be right tomorrow: that is not the person's doing, and the operator must hear of it."""
    now = trip.clock.now() + ahead
    bent(trip, iat=now, nbf=now, exp=now + 300)

    with pytest.raises(Fault) as raised:
        await trip.sign_in("email")

    assert raised.value.code == "upstream_clock_skew"
    assert trip.fake.living == {}


@pytest.mark.parametrize("use", ["enc", "", "SIG", None, 1], ids=repr)
async def test_g03_14_a_key_for_encryption_signs_nothing(trip: Trip[FakeOpenIdProvider], use: object) -> None:
    """A key's use is respected; one with an unknown use is not used."""
    trip.fake.published = [key("another").jwk, trip.fake.key.jwk | {"use": use}]

    await refusal(trip, "invalid_id_token", "kid names no published key")


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "ES512", "EdDSA", "PS256"], ids=repr)
async def test_g03_15_one_wrong_bit_is_refused(trip: Trip[FakeOpenIdProvider], algorithm: str) -> None:
    """The first, a middle and the last bit of the signature."""
    signer = key(f"signs-{algorithm}", algorithm)
    trip.fake.key, trip.fake.published = signer, [signer.jwk]
    for place in (0, 20, -1):

        def forge(header: Json, claims: Json, _: FakeKey, place: int = place) -> str:
            def one_bit_off(signed: bytes) -> bytes:
                right = bytearray(signer.sign(signed))
                right[place] ^= 1
                return bytes(right)

            return compact(header, claims, one_bit_off)

        forged(trip, forge)
        with pytest.raises(Refusal, match="invalid_id_token: signature"):
            await trip.sign_in("email")
    assert trip.fake.living == {}


@pytest.mark.parametrize(
    "signature", [bytes(64), b"\x00" * 63 + b"\x01", b"\xff" * 64, b"\x00", bytes(63), bytes(96)], ids=repr
)
async def test_g03_15_a_psychic_signature_is_refused(trip: Trip[FakeOpenIdProvider], signature: bytes) -> None:
    """ECDSA with r and s zero, out of range, or of another length."""
    signer = key("curve", "ES256")
    trip.fake.key, trip.fake.published = signer, [signer.jwk]
    forged(trip, lambda header, claims, _: compact(header, claims, lambda __: signature))

    await refusal(trip, "invalid_id_token", "signature")


async def test_g03_15_a_second_spelling_of_a_signature_is_refused(trip: Trip[FakeOpenIdProvider]) -> None:
    """Unused bits at the end of base64url must be zero, so that one token has one form."""

    def forge(header: Json, claims: Json, signer: FakeKey) -> str:
        right = compact(header, claims, signer.sign)
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        return right[:-1] + alphabet[alphabet.index(right[-1]) + 1]

    forged(trip, forge)

    await refusal(trip, "invalid_id_token", "not canonical base64url")


@pytest.mark.parametrize("name", ["at_hash", "c_hash"], ids=repr)
@pytest.mark.parametrize("value", [None, "", "AAAAAAAAAAAAAAAAAAAAAA", 1, [], True, "é"], ids=repr)
async def test_g03_16_a_wrong_hash_is_refused(trip: Trip[FakeOpenIdProvider], name: str, value: object) -> None:
    """The token belongs to another access token or code; a hash that is no string cannot be right either."""
    bent(trip, **{name: value})

    await refusal(trip, "invalid_id_token", name)


@pytest.mark.parametrize(
    "algorithm", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"], ids=repr
)
async def test_g03_16_right_hashes_are_believed(trip: Trip[FakeOpenIdProvider], algorithm: str) -> None:
    """Both hashes, in every algorithm that is accepted at all."""
    signer = key(f"signs-{algorithm}", algorithm)
    trip.fake.key, trip.fake.published = signer, [signer.jwk]
    trip.fake.bend_claims = lambda claims: claims | {"c_hash": half_hash(trip.fake.asked[-1].form["code"], algorithm)}

    assert (await trip.sign_in("email")).identity.subject == "248289761001"


async def test_g03_16_a_hash_that_cannot_be_computed_is_refused(trip: Trip[FakeOpenIdProvider]) -> None:
    """An algorithm that nobody knows is refused before its hash is a question."""
    trip.fake.bend_header = lambda header: header | {"alg": "RS1024"}

    await refusal(trip, "invalid_id_token", "alg")


@pytest.mark.parametrize("subject", [DELETED, None, "", "248289761002", 248289761001], ids=repr)
async def test_g03_17_userinfo_about_somebody_else_is_refused(trip: Trip[FakeOpenIdProvider], subject: object) -> None:
    """No attribute of another subject is merged (OpenID Connect Core section 5.3.2)."""
    trip.fake.bend_userinfo = lambda claims: {n: v for n, v in (claims | {"sub": subject}).items() if v is not DELETED}

    await refusal(trip, "subject_mismatch", "userinfo is about another subject")


@pytest.mark.parametrize(
    "typ", ["at+jwt", "application/at+jwt", "logout+jwt", "secevent+jwt", "", None, 1, "JWE"], ids=repr
)
async def test_g03_19_another_kind_of_token_is_refused(trip: Trip[FakeOpenIdProvider], typ: object) -> None:
    """An access token or a logout token is no ID token, though the same key signed it."""
    trip.fake.bend_header = lambda header: header | {"typ": typ}

    await refusal(trip, "invalid_id_token", "typ")


@pytest.mark.parametrize("typ", ["JWT", "jwt", DELETED], ids=repr)
async def test_g03_19_the_type_may_be_left_out(trip: Trip[FakeOpenIdProvider], typ: object) -> None:
    """`typ` is optional and knows no case (RFC 7515 section 4.1.9)."""
    trip.fake.bend_header = lambda header: {n: v for n, v in (header | {"typ": typ}).items() if v is not DELETED}

    assert (await trip.sign_in("email")).identity.subject == "248289761001"


@pytest.mark.parametrize(
    ("nonce", "detail"),
    [
        (DELETED, "nonce is missing"),
        (None, "nonce is missing"),
        ("", "nonce differs"),
        ("the-nonce-of-another-sign-in", "nonce differs"),
        ("é", "nonce differs"),
        (1, "nonce differs"),
        (["nonce"], "nonce differs"),
        (True, "nonce differs"),
    ],
    ids=repr,
)
async def test_g01_11_another_nonce_is_refused(trip: Trip[FakeOpenIdProvider], nonce: object, detail: str) -> None:
    """The token must answer this very attempt."""
    bent(trip, nonce=nonce)

    await refusal(trip, "invalid_nonce", detail)


async def test_g01_11_an_attempt_without_a_nonce_fits_no_token(trip: Trip[FakeOpenIdProvider]) -> None:
    """Empty does not equal empty."""
    attempt = replace(trip.attempt("email"), nonce="")
    callback = await trip.visit(attempt)
    bent(trip, nonce="")

    with pytest.raises(Refusal, match="invalid_nonce"):
        await trip.exchange(attempt, callback)


@pytest.mark.parametrize("value", [False, True, "false", 0], ids=repr)
async def test_g01_12_a_token_cannot_switch_the_nonce_off(trip: Trip[FakeOpenIdProvider], value: object) -> None:
    """`nonce_supported` is a claim like any other: not read."""
    bent(trip, nonce=DELETED, nonce_supported=value)

    await refusal(trip, "invalid_nonce", "nonce is missing")


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c.d",
        "a.b.c.d.e",
        "e30.e30.e30\n",
        " e30.e30.e30",
        "e30.e30.e30=",
        "e30.e3é.e30",
        "e30 .e30.e30",
        "ۿ.e30.e30",
    ],
    ids=repr,
)
async def test_a_malformed_token_is_refused(trip: Trip[FakeOpenIdProvider], token: str) -> None:
    """Three parts of base64url and nothing else."""
    forged(trip, lambda *_: token)

    await refusal(trip, "invalid_id_token", "not in compact form")


@pytest.mark.parametrize(
    "part", [b"", b"[]", b"null", b"1", b'"x"', b"{", b"\xff", b'{"alg":"RS256"', b"[" * 3000], ids=repr
)
async def test_a_header_that_is_no_json_object_is_refused(trip: Trip[FakeOpenIdProvider], part: bytes) -> None:
    """Nor is one that nests too deep."""
    forged(trip, lambda *_: f"{base64url(part or b' ')}.e30.e30")

    with pytest.raises(Refusal, match="invalid_id_token: header"):
        await trip.sign_in("email")


@pytest.mark.parametrize("claims", [[], None, 1, "x"], ids=repr)
async def test_claims_that_are_no_json_object_are_refused(trip: Trip[FakeOpenIdProvider], claims: object) -> None:
    """Even when they are rightly signed."""
    forged(trip, lambda header, _, signer: compact(header, claims, signer.sign))

    await refusal(trip, "invalid_id_token", "claims: no JSON object")


async def test_g03_20_a_giant_token_is_refused_cheaply(trip: Trip[FakeOpenIdProvider]) -> None:
    """A header of a mebibyte is cut off on the way, before anybody decodes it."""
    forged(trip, lambda header, claims, signer: compact(header | {"pad": "x" * 2**20}, claims, signer.sign))
    attempt = trip.attempt("email")
    callback = await trip.visit(attempt)

    began = time.thread_time()
    with pytest.raises(Fault, match="longer than 16384 bytes"):
        await trip.exchange(attempt, callback)

    assert time.thread_time() - began < 0.05
    assert trip.fake.requests["keys"] == 0


@pytest.mark.parametrize("length", [LONGEST_TOKEN + 1, 2**20], ids=repr)
async def test_g03_20_a_long_token_is_refused_before_it_is_decoded(trip: Trip[FakeOpenIdProvider], length: int) -> None:
    """Whatever way it came."""
    metadata = read_metadata(trip.registration, trip.fake.metadata())
    keys = KeyCache(trip.registration.id, Line(Transport(allow_private_addresses=())), trip.clock)
    bound = Bound(nonce="n", code="c", access_token="a")
    began = time.thread_time()

    with pytest.raises(Refusal, match="longer than 16384 characters"):
        await verify_id_token("a" * length, bound, trip.registration, metadata, keys, 0)

    assert time.thread_time() - began < 0.05


@pytest.mark.parametrize("algorithm", ["RSA1_5", "RSA-OAEP", "dir", "PBES2-HS256+A128KW"], ids=repr)
@pytest.mark.parametrize("compression", [{}, {"zip": "DEF"}], ids=repr)
async def test_g03_20_and_21_encrypted_tokens_are_refused_alike(
    trip: Trip[FakeOpenIdProvider], algorithm: str, compression: Json
) -> None:
    """Nothing is decrypted, so there is no oracle and no bomb: one error for all of them."""
    header = {"alg": algorithm, "enc": "A128CBC-HS256", **compression}
    parts = [json.dumps(header).encode(), b"key" * 80, b"iv", b"text" * 500, hashlib.sha256(b"tag").digest()]
    forged(trip, lambda *_: ".".join(map(base64url, parts)))

    await refusal(trip, "invalid_id_token", "not in compact form")


async def test_a_signature_of_a_weak_key_is_refused(trip: Trip[FakeOpenIdProvider]) -> None:
    """RSA below 2048 bits can be broken (RFC 7518 section 3.3), so such a key is no key."""
    weak = key("weak", bits=1024)
    trip.fake.key, trip.fake.published = weak, [weak.jwk, key("another").jwk]

    await refusal(trip, "invalid_id_token", "kid names no published key")


@pytest.mark.parametrize(
    ("signs", "claims"), [("ES256", "RS256"), ("RS256", "PS256"), ("RS256", "ES256"), ("RS256", "RS512")], ids=repr
)
async def test_a_key_signs_with_its_own_algorithm_only(trip: Trip[FakeOpenIdProvider], signs: str, claims: str) -> None:
    """What the header claims must fit the published key (RFC 8725 section 3.1)."""
    signer = key(f"signs-{signs}", signs)
    trip.fake.key, trip.fake.published = signer, [signer.jwk]
    trip.fake.bend_header = lambda header: header | {"alg": claims}

    await refusal(trip, "invalid_id_token", "the key does not fit the algorithm")


@pytest.mark.parametrize(
    ("signs", "claims"),
    [
        ("RS256", "ES256"),
        ("RS256", "EdDSA"),
        ("ES256", "RS256"),
        ("ES256", "ES384"),
        ("EdDSA", "ES256"),
        ("EdDSA", "PS256"),
    ],
)
async def test_a_key_without_an_algorithm_is_still_of_one_family(
    trip: Trip[FakeOpenIdProvider], signs: str, claims: str
) -> None:
    """Providers may leave `alg` out of a key: type and curve decide then."""
    signer = key(f"signs-{signs}", signs)
    published = {n: v for n, v in signer.jwk.items() if n != "alg"}
    trip.fake.key, trip.fake.published = signer, [published]
    assert (await trip.sign_in("email")).identity.subject == "248289761001"

    trip.fake.living.clear()
    trip.fake.requests.clear()
    trip.fake.bend_header = lambda header: header | {"alg": claims}
    await refusal(trip, "invalid_id_token", "the key does not fit the algorithm")


@pytest.mark.parametrize("kid", [1, ["first"], {"kid": "first"}, True], ids=repr)
async def test_a_malformed_key_id_is_refused(trip: Trip[FakeOpenIdProvider], kid: object) -> None:
    """A key id is a string."""
    trip.fake.bend_header = lambda header: header | {"kid": kid}

    await refusal(trip, "invalid_id_token", "kid")


async def test_a_key_id_may_be_left_out_where_there_is_one_key(trip: Trip[FakeOpenIdProvider]) -> None:
    """OpenID Connect Core section 10.1."""
    trip.fake.bend_header = lambda header: {n: v for n, v in header.items() if n != "kid"}

    assert (await trip.sign_in("email")).identity.subject == "248289761001"


async def test_a_key_id_must_be_given_where_there_is_a_choice(trip: Trip[FakeOpenIdProvider]) -> None:
    """Nobody tries one key after the other."""
    trip.fake.published = [trip.fake.key.jwk, key("another").jwk]
    trip.fake.bend_header = lambda header: {n: v for n, v in header.items() if n != "kid"}

    await refusal(trip, "invalid_id_token", "no kid, and not exactly one key")


def test_the_helpers_make_right_tokens() -> None:
    """A forgery proves nothing if the right token beside it is wrong: compare with a signature made elsewhere."""
    signer = key("first")
    header, claims, signature = compact(header_of(signer), {"a": 1}, signer.sign).split(".")

    assert base64url(signer.sign(f"{header}.{claims}".encode())) == signature
