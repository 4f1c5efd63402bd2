"""Tokens that others made, or changed: none of them is ours."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key
from hypothesis import given
from hypothesis import strategies as st

from broker.crypto.signing import MAX_TOKEN, JwtSigner
from broker.crypto.signing_keys import ALGORITHMS, generate
from tests.crypto.examples import EC_KEYS, loaded

ISSUER = "https://id.partner-ops.example"
NOW = 1_700_000_000
CLAIMS: dict[str, Any] = {"iss": ISSUER, "sub": "usr_1", "aud": "api", "exp": NOW + 300}
KEY, ATTACKERS = (loaded(key) for key in EC_KEYS)
GENERATED = {alg: generate(alg) for alg in ALGORITHMS}
SIGNERS = {alg: JwtSigner(ISSUER, [loaded(key)]) for alg, key in GENERATED.items()}
SIGNER = JwtSigner(ISSUER, [KEY])
HEADER = {"alg": "ES256", "kid": KEY.kid, "typ": "at+jwt"}

Sign = Callable[[bytes], bytes]


def b64(data: bytes) -> str:
    """Independent of the code under test."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def forged(header: object, sign: Sign, payload: bytes | None = None) -> str:
    """A compact JWS with any header and any signature."""
    body = json.dumps(CLAIMS).encode() if payload is None else payload
    signed = f"{b64(json.dumps(header).encode())}.{b64(body)}"
    return f"{signed}.{b64(sign(signed.encode()))}"


def ours(token: str, signer: JwtSigner = SIGNER) -> bool:
    """Whether it is taken for a token of ours. Any exception fails the test."""
    return signer.verify(token, typ="at+jwt", audience=None, now=NOW) is not None


def es256(private: object) -> Sign:
    """Signs as RFC 7518 section 3.4 says."""
    assert isinstance(private, EllipticCurvePrivateKey)

    def sign(data: bytes) -> bytes:
        r, s = decode_dss_signature(private.sign(data, ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return sign


def hs256(key: bytes, digest: str = "sha256") -> Sign:
    """HMAC with whatever an attacker may know."""
    return lambda data: hmac.digest(key, data, digest)


OWN = es256(KEY.private)
THEIRS = es256(ATTACKERS.private)


def test_a_token_built_here_with_our_key_is_ours() -> None:
    """So that every refusal below is due to what was changed."""
    assert ours(forged(HEADER, OWN))


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "noNe", "NoNe", "none ", "", None], ids=repr)
@pytest.mark.parametrize("signature", [b"", b"x", bytes(64)])
def test_no_signature_is_no_signature(alg: str | None, signature: bytes) -> None:
    """However "none" is written (RFC 8725 section 2.1)."""
    token = forged(HEADER | {"alg": alg}, lambda _: signature)

    assert not ours(token)
    assert not ours(token.rsplit(".", 1)[0] + ".")
    assert not ours(token.rsplit(".", 1)[0])


def test_a_header_without_an_algorithm_is_refused() -> None:
    """Even with a good signature."""
    assert not ours(forged({"kid": KEY.kid, "typ": "at+jwt"}, OWN))


def public_spellings() -> Iterator[tuple[str, str, bytes]]:
    """(algorithm of ours, what it is, bytes) for everything that an attacker can make of a published key."""
    for alg, key in GENERATED.items():
        public = loaded(key).public
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        jwks = SIGNERS[alg].jwks()
        yield alg, "PEM", pem
        yield alg, "PEM without its last line break", pem.rstrip()
        yield alg, "PEM after other bytes", b"\n# key\n" + pem
        yield alg, "DER", public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        yield alg, "JWK", key.public_jwk.encode()
        yield alg, "JWK as published", json.dumps(json.loads(jwks)["keys"][0]).encode()
        yield alg, "JWK, compact", json.dumps(json.loads(key.public_jwk), separators=(",", ":")).encode()
        yield alg, "JWK Set", jwks
        yield alg, "its name", key.kid.encode()
        yield alg, "no bytes", b""


@pytest.mark.parametrize(
    ("alg", "secret"), [pytest.param(alg, secret, id=f"{alg} {what}") for alg, what, secret in public_spellings()]
)
@pytest.mark.parametrize(("hmac_alg", "digest"), [("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512")])
def test_a_public_key_is_no_secret(alg: str, secret: bytes, hmac_alg: str, digest: str) -> None:
    """HMAC under what everybody knows, whether the header admits it or claims our algorithm."""
    header = HEADER | {"kid": GENERATED[alg].kid}
    signer = SIGNERS[alg]

    assert not ours(forged(header | {"alg": hmac_alg}, hs256(secret, digest)), signer)
    assert not ours(forged(header | {"alg": alg}, hs256(secret, digest)), signer)


@pytest.mark.parametrize(
    "alg", ["ES384", "ES512", "ES256K", "RS256", "RS512", "PS256", "EdDSA", "Ed25519", "es256", "A128KW"]
)
def test_another_algorithm_is_refused_under_a_good_signature(alg: str) -> None:
    """The key decides which one it is."""
    assert not ours(forged(HEADER | {"alg": alg}, OWN))


@pytest.mark.parametrize("mine", ALGORITHMS)
@pytest.mark.parametrize("other", ALGORITHMS)
def test_one_of_our_keys_does_not_verify_for_another(mine: str, other: str) -> None:
    """A token of one key, said to be of another: every pair."""
    both = JwtSigner(ISSUER, [loaded(GENERATED[mine]), *(loaded(GENERATED[o], active=False) for o in {other} - {mine})])
    _, payload, signature = both.sign(CLAIMS, typ="at+jwt").split(".")
    header = {"alg": other, "kid": GENERATED[other].kid, "typ": "at+jwt"}
    claimed = f"{b64(json.dumps(header, separators=(',', ':')).encode())}.{payload}.{signature}"

    assert ours(claimed, both) is (mine == other)


def test_an_unknown_key_is_refused() -> None:
    """Absent, empty, of another type, of another name; no other key is tried."""
    strange = [None, 0, True, [], {}, [KEY.kid], {KEY.kid: KEY.kid}]
    names = ["", "unknown", KEY.kid + " ", KEY.kid[:-1], KEY.kid.swapcase(), "../../dev/null", "x' OR '1'='1"]

    assert [kid for kid in [*strange, *names] if ours(forged(HEADER | {"kid": kid}, OWN))] == []


def test_a_header_without_a_key_name_is_refused() -> None:
    """Though there is only one key it could be."""
    assert not ours(forged({"alg": "ES256", "typ": "at+jwt"}, OWN))


def test_another_key_under_our_name_is_refused() -> None:
    """The name alone proves nothing."""
    assert not ours(forged(HEADER, THEIRS))


@pytest.mark.parametrize(
    "extra",
    [
        {"jwk": {}}, {"jwk": None}, {"jku": "https://attacker.example/jwks"},
        {"x5u": "https://attacker.example/cert"}, {"x5c": ["MIIB"]}, {"x5t": "AAAA"}, {"x5t#S256": "AAAA"},
        {"crit": []}, {"crit": ["exp"]}, {"crit": ["b64"], "b64": True}, {"crit": ["b64"], "b64": False},
        {"crit": None}, {"b64": False}, {"b64": True}, {"zip": "DEF"}, {"enc": "A256GCM"}, {"cty": "JWT"}, {"url": "x"},
        {"nonce": "x"}, {"epk": {}}, {"p2c": 10**9}, {"": ""},
    ],
    ids=str,
)  # fmt: skip
def test_a_header_with_anything_else_is_refused(extra: dict[str, object]) -> None:
    """Whoever signed it: nothing that a token brings along is looked at."""
    assert not ours(forged(HEADER | extra, THEIRS))
    assert not ours(forged(HEADER | extra, OWN))


def test_a_key_inside_the_token_is_not_used() -> None:
    """Neither the attacker's, which fits the signature, nor ours (RFC 7515 section 4.1.3)."""
    for key, sign in ((ATTACKERS, THEIRS), (KEY, OWN), (KEY, THEIRS)):
        assert not ours(forged(HEADER | {"jwk": key.public_jwk}, sign))
        assert not ours(forged(HEADER | {"jwk": key.public_jwk, "kid": key.kid}, sign))


@pytest.mark.parametrize(
    "typ", [None, "", "JWT", "jwt", "AT+JWT", "application/at+jwt", "at+jwt ", "secevent+jwt", 1, ["at+jwt"]]
)
def test_another_kind_is_refused(typ: object) -> None:
    """Under a good signature."""
    assert not ours(forged(HEADER | {"typ": typ}, OWN))
    assert not ours(forged({"alg": "ES256", "kid": KEY.kid}, OWN))


@pytest.mark.parametrize("header", [None, [], "x", 1, True, {}, [HEADER], [["alg", "ES256"]]])
def test_a_header_that_is_no_object_of_ours_is_refused(header: object) -> None:
    """Any other JSON."""
    assert not ours(forged(header, OWN))


@pytest.mark.parametrize("payload", [b"", b"null", b"[]", b'"x"', b"{", b"\xff", b"1", json.dumps([CLAIMS]).encode()])
def test_a_payload_that_is_no_object_is_refused(payload: bytes) -> None:
    """Though it is well signed."""
    assert not ours(forged(HEADER, OWN, payload))


def test_the_json_serialisation_is_refused() -> None:
    """RFC 7515 section 7.2, general and flattened: only the compact one is ours."""
    protected, payload, signature = forged(HEADER, OWN).split(".")
    flattened = {"protected": protected, "payload": payload, "signature": signature}
    general = {"payload": payload, "signatures": [{"protected": protected, "signature": signature}]}

    assert not ours(json.dumps(flattened))
    assert not ours(json.dumps(general))


def test_a_token_is_three_parts() -> None:
    """Not fewer, not more, none of them empty."""
    header, payload, signature = forged(HEADER, OWN).split(".")
    whole = f"{header}.{payload}.{signature}"

    for token in (
        "", ".", "..", "...", "....", header, f"{header}.{payload}", f"{header}.{payload}.", f"{header}..{signature}",
        f".{payload}.{signature}", f"{whole}.", f".{whole}", f"{whole}.{signature}", f"{whole}.{payload}.{signature}",
    ):  # fmt: skip
        assert not ours(token)


@pytest.mark.parametrize(
    "spoil", ["{} ", " {}", "{}\n", "{}\0", "{}=", "{}==", "{},", '"{}"', "Bearer {}", "{}ü", "{}\ud800"]
)
def test_nothing_stands_around_a_token(spoil: str) -> None:
    """No white space, no padding, no quotation marks."""
    assert not ours(spoil.format(forged(HEADER, OWN)))


def test_each_part_has_one_spelling() -> None:
    """Padding and the other alphabet are refused in every part."""
    parts = forged(HEADER, OWN, json.dumps(CLAIMS | {"x": "??>>"}).encode()).split(".")
    for number, part in enumerate(parts):
        for other in (
            part + "=" * (-len(part) % 4 or 4),
            part + "=",
            part.replace("_", "/").replace("-", "+"),
            part + "\n",
        ):
            spoiled = [*parts[:number], other, *parts[number + 1 :]]

            assert ours(".".join(spoiled)) is (spoiled == parts)


def test_stray_last_bits_are_refused() -> None:
    """64 bytes of signature leave four bits of the last character unused: they must be zero."""
    token = forged(HEADER, OWN)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(token[-1])

    assert [c for c in range(last // 16 * 16, last // 16 * 16 + 16) if ours(token[:-1] + alphabet[c])] == [last]


N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.mark.parametrize("r", [0, 1, N - 1, N, N + 1, 2**256 - 1])
@pytest.mark.parametrize("s", [0, 1, N - 1, N, N + 1, 2**256 - 1])
def test_signatures_of_special_numbers_are_refused(r: int, s: int) -> None:
    """r and s of zero or of the group's order (CVE-2022-21449) sign nothing."""
    assert not ours(forged(HEADER, lambda _: r.to_bytes(32, "big") + s.to_bytes(32, "big")))


@pytest.mark.parametrize("size", [0, 1, 32, 63, 65, 96, 128, 256])
@pytest.mark.parametrize("alg", ALGORITHMS)
def test_signatures_of_zeroes_are_refused(alg: str, size: int) -> None:
    """Of the right length and of others."""
    header = {"alg": alg, "kid": GENERATED[alg].kid, "typ": "at+jwt"}

    assert not ours(forged(header, lambda _: bytes(size)), SIGNERS[alg])


def test_a_signature_in_der_is_refused() -> None:
    """JWS writes r and s side by side (RFC 7518 section 3.4)."""
    assert isinstance(KEY.private, EllipticCurvePrivateKey)
    private = KEY.private

    assert not ours(forged(HEADER, lambda data: private.sign(data, ECDSA(SHA256()))))


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_no_bit_of_a_token_can_be_flipped(alg: str) -> None:
    """In no character, and in no bit of what the parts stand for."""
    signer = SIGNERS[alg]
    token = signer.sign(CLAIMS, typ="at+jwt")
    parts = [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split(".")]
    texts = [
        token[:at] + chr(ord(token[at]) ^ 1 << bit) + token[at + 1 :] for at in range(len(token)) for bit in (0, 3)
    ]
    for number, part in enumerate(parts):
        for at in range(len(part)):
            changed = [*parts]
            changed[number] = part[:at] + bytes((part[at] ^ 1 << at % 8,)) + part[at + 1 :]
            texts.append(".".join(map(b64, changed)))

    assert ours(token, signer)
    assert [text for text in texts if ours(text, signer)] == []


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_no_end_of_a_token_can_be_cut_off(alg: str) -> None:
    """At no length."""
    token = SIGNERS[alg].sign(CLAIMS, typ="at+jwt")

    assert [size for size in range(len(token)) if ours(token[:size], SIGNERS[alg])] == []


def test_parts_of_two_tokens_do_not_make_a_third() -> None:
    """Every mixture of the parts of two good tokens."""
    one, other = (forged(HEADER, OWN, json.dumps(CLAIMS | {"sub": sub}).encode()).split(".") for sub in ("a", "b"))

    assert not ours(".".join((one[0], one[1], other[2])))
    assert not ours(".".join((one[0], other[1], one[2])))


def test_an_oversized_token_is_refused_unread() -> None:
    """Even one that we signed."""
    small, large = (SIGNER.sign(CLAIMS | {"x": "x" * size}, typ="at+jwt") for size in (11_000, 13_000))

    assert len(small) < MAX_TOKEN < len(large)
    assert ours(small)
    assert not ours(large)
    assert not ours("A" * 10_000_000)


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_a_deeply_nested_header_is_refused(opening: str) -> None:
    """Rather than exhausting the stack."""
    assert not ours(f"{b64(opening.encode() * 2000)}.AA.AA")


def test_a_header_with_a_member_twice_changes_nothing() -> None:
    """Whichever of the two counts, nobody but us can sign it."""
    header = json.dumps(HEADER)
    for doubled in (header[:-1] + ', "alg": "none"}', '{"alg": "none", ' + header[1:]):
        signed = f"{b64(doubled.encode())}.{b64(json.dumps(CLAIMS).encode())}"

        assert not ours(f"{signed}.{b64(THEIRS(signed.encode()))}")
        assert not ours(f"{signed}.{b64(hashlib.sha256(signed.encode()).digest())}")


def test_a_token_of_a_key_that_is_not_ours_any_more_is_refused() -> None:
    """A private key that was stolen is worth nothing once its public half is gone."""
    stolen = load_der_private_key(EC_KEYS[1].private_der, password=None)

    assert not ours(forged(HEADER | {"kid": EC_KEYS[1].kid}, es256(stolen)))


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]{1,40}\.[A-Za-z0-9_-]{1,40}\.[A-Za-z0-9_-]{1,40}", fullmatch=True))
def test_any_text_is_refused(text: str) -> None:
    """Never with an exception."""
    assert not ours(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
HEADERS = st.dictionaries(
    st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk"]),
    JSON | st.sampled_from(sorted(HEADER.values())),
    max_size=6,
)


@given(JSON | HEADERS, JSON)
def test_any_header_and_claims_of_others_are_refused(header: object, claims: object) -> None:
    """Never with an exception."""
    assert not ours(forged(header, THEIRS, json.dumps(claims).encode()))
