"""Every way in which a token can be wrong: each is refused, with the code that says which."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from partner_ops_verifier import TokenRefused
from partner_ops_verifier.errors import REFUSALS
from partner_ops_verifier.testing import SessionTokens, TestKey, base64url
from tests.verifier.hands import NOW

RIGHTS = {"acme": ["invoices:read"], "globex": ["reports:read"]}
Make = Callable[[SessionTokens], str]


@pytest.fixture
def tokens() -> SessionTokens:
    return SessionTokens(now=NOW)


def code_of(tokens: SessionTokens, token: Any) -> str:
    """Why a verifier of these tokens refuses this one."""
    with pytest.raises(TokenRefused) as refused:
        tokens.verifier().verify(token)
    assert not isinstance(token, str) or len(token) < 30 or token not in str(refused.value)
    return refused.value.code


def claiming(**claims: Any) -> Make:
    return lambda tokens: tokens.mint(**{"rights": RIGHTS} | claims)


def headed(**header: Any) -> Make:
    return lambda tokens: tokens.key.sign(tokens.claims(), **header)


def raw(header: str | None = None, payload: str | None = None) -> Make:
    """Signed with the right key, over these very bytes."""

    def make(tokens: SessionTokens) -> str:
        first = header or json.dumps({"alg": "ES256", "kid": tokens.key.kid, "typ": "at+jwt"})
        second = payload or json.dumps(tokens.claims())
        text = f"{base64url(first.encode())}.{base64url(second.encode())}"
        return f"{text}.{base64url(tokens.key.signature(text.encode()))}"

    return make


def with_payload(change: Callable[[str], str]) -> Make:
    return lambda tokens: raw(payload=change(json.dumps(tokens.claims())))(tokens)


def _by_secret(tokens: SessionTokens) -> str:
    """The public key as the secret of an HMAC."""
    public = tokens.key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    token = tokens.key.sign(tokens.claims(), alg="HS256")
    text = token.rpartition(".")[0]
    return f"{text}.{base64url(hmac.new(public, text.encode(), hashlib.sha256).digest())}"


def _changed(tokens: SessionTokens) -> str:
    head, _, signature = tokens.mint().split(".")
    return f"{head}.{base64url(json.dumps(tokens.claims('somebody-else')).encode())}.{signature}"


def _der_signature(tokens: SessionTokens) -> str:
    """ASN.1 instead of two numbers, as ECDSA has it elsewhere."""
    text, _, signature = tokens.mint().rpartition(".")
    both = base64.urlsafe_b64decode(signature + "==")
    return f"{text}.{base64url(encode_dss_signature(int.from_bytes(both[:32]), int.from_bytes(both[32:])))}"


def _other_half(tokens: SessionTokens) -> str:
    """Signed by a stranger's key of the same name."""
    return TestKey(kid=tokens.key.kid).sign(tokens.claims())


def _other_kind(tokens: SessionTokens) -> str:
    """Signed by a published key, under the name of another of another kind."""
    other = TestKey("EdDSA")
    tokens.http.keys.append(other)
    return tokens.key.sign(tokens.claims(), kid=other.kid)


def _stray_bits(tokens: SessionTokens) -> str:
    """The last character of 64 bytes carries two bits; another one spells the same bytes."""
    token = tokens.mint()
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + last[last.index(token[-1]) + 1]


def _cut(token: str, size: int) -> str:
    """Its signature's first bytes."""
    text, _, signature = token.rpartition(".")
    return f"{text}.{base64url(base64.urlsafe_b64decode(signature + '==')[:size])}"


def _zeros(tokens: SessionTokens) -> str:
    text, _, _ = tokens.mint().rpartition(".")
    return f"{text}.{base64url(bytes(64))}"


FORM: dict[str, tuple[Make, str]] = {
    "nothing": (lambda _: "", "malformed"),
    "text": (lambda _: "abc", "malformed"),
    "two segments": (lambda _: "e30.e30", "malformed"),
    "four segments": (lambda tokens: tokens.mint() + ".e30", "malformed"),
    "five segments": (lambda _: "e30.e30.e30.e30.e30", "malformed"),
    "no signature": (lambda tokens: tokens.mint().rpartition(".")[0] + ".", "malformed"),
    "no payload": (lambda tokens: "{0}..{2}".format(*tokens.mint().split(".")), "malformed"),
    "no header": (lambda tokens: "." + tokens.mint().partition(".")[2], "malformed"),
    "too long": (lambda _: "a" * 8193, "too_long"),
    "not ASCII": (lambda tokens: tokens.mint() + "ä", "malformed"),
    "a line's end": (lambda tokens: tokens.mint() + "\n", "malformed"),
    "a space before": (lambda tokens: " " + tokens.mint(), "malformed"),
    "padded": (lambda tokens: tokens.mint() + "==", "malformed"),
    "the other alphabet": (lambda tokens: tokens.mint()[:-4] + "+/+/", "malformed"),
    "stray bits": (_stray_bits, "malformed"),
    "JSON serialisation": (lambda tokens: json.dumps({"payload": tokens.mint()}), "malformed"),
    "header no JSON": (raw(header="alg"), "malformed"),
    "header a list": (raw(header='["at+jwt"]'), "malformed"),
    "header cut": (raw(header='{"alg":"ES256"'), "malformed"),
    "header in UTF-16": (
        lambda tokens: (
            base64url('{"alg":"ES256","typ":"at+jwt"}'.encode("utf-16")) + "." + tokens.mint().partition(".")[2]
        ),
        "malformed",
    ),
    "header nested": (raw(header="[" * 3000), "malformed"),
    "alg named twice": (raw(header='{"alg":"none","alg":"ES256","kid":"k","typ":"at+jwt"}'), "malformed"),
    "kid absent": (headed(kid=None), "malformed"),
    "kid empty": (headed(kid=""), "malformed"),
    "kid a number": (headed(kid=1), "malformed"),
    "kid long": (headed(kid="k" * 257), "malformed"),
    "kid a path": (headed(kid="../../dev/null"), "unknown_key"),
    "typ absent": (headed(typ=None), "wrong_type"),
    "typ empty": (headed(typ=""), "wrong_type"),
    "ID token": (headed(typ="JWT"), "wrong_type"),
    "logout token": (headed(typ="logout+jwt"), "wrong_type"),
    "typ a list": (headed(typ=["at+jwt"]), "wrong_type"),
    "alg absent": (headed(alg=None), "wrong_algorithm"),
    "alg empty": (headed(alg=""), "wrong_algorithm"),
    "alg none": (headed(alg="none"), "wrong_algorithm"),
    "alg None": (headed(alg="None"), "wrong_algorithm"),
    "alg a list": (headed(alg=["ES256"]), "wrong_algorithm"),
    "alg ES384": (headed(alg="ES384"), "wrong_algorithm"),
    "alg PS256": (headed(alg="PS256"), "wrong_algorithm"),
    "alg es256": (headed(alg="es256"), "wrong_algorithm"),
    "alg of another kind of key": (headed(alg="RS256"), "wrong_algorithm"),
    "alg EdDSA with a P-256 key": (headed(alg="EdDSA"), "wrong_algorithm"),
    "key of another kind": (_other_kind, "wrong_algorithm"),
    "public key as secret": (_by_secret, "wrong_algorithm"),
    "crit": (headed(crit=["exp"]), "header_not_accepted"),
    "crit empty": (headed(crit=[]), "header_not_accepted"),
    "b64": (headed(b64=False), "header_not_accepted"),
    "jwk": (lambda tokens: tokens.key.sign(tokens.claims(), jwk=tokens.key.jwk), "header_not_accepted"),
    "jku": (headed(jku="https://evil.example/jwks.json"), "header_not_accepted"),
    "x5u": (headed(x5u="https://evil.example/x5u"), "header_not_accepted"),
    "x5c": (headed(x5c=["MIIB"]), "header_not_accepted"),
    "zip": (headed(zip="DEF"), "header_not_accepted"),
    "unknown key": (headed(kid="another"), "unknown_key"),
    "stranger's key": (lambda tokens: TestKey().sign(tokens.claims()), "unknown_key"),
    "stranger's key, known name": (_other_half, "bad_signature"),
    "claims changed": (_changed, "bad_signature"),
    "cut short": (lambda tokens: _cut(tokens.mint(), 63), "bad_signature"),
    "nothing but its first byte": (lambda tokens: _cut(tokens.mint(), 1), "bad_signature"),
    "ASN.1 signature": (_der_signature, "bad_signature"),
    "zeros": (_zeros, "bad_signature"),
}


@pytest.mark.parametrize("name", FORM)
def test_what_is_wrong_in_form_is_refused(tokens: SessionTokens, name: str) -> None:
    """Serialisation, header, key, signature."""
    make, code = FORM[name]

    assert code_of(tokens, make(tokens)) == code


@pytest.mark.parametrize("token", [None, 1, b"e30.e30.e30", ["a"]])
def test_what_is_no_text_is_refused(tokens: SessionTokens, token: Any) -> None:
    """Whatever a framework hands on."""
    assert code_of(tokens, token) == "malformed"


@pytest.mark.parametrize("alg", ["RS256", "EdDSA"])
def test_a_signature_of_another_length_is_refused(alg: str) -> None:
    """Also of the algorithms whose library looks at it."""
    tokens = SessionTokens(alg=alg, now=NOW)
    token = tokens.mint()

    for bent in (_cut(token, 63), _cut(token, 1), f"{token.rpartition('.')[0]}.{base64url(bytes(600))}"):
        assert code_of(tokens, bent) == "bad_signature"


NUMBERS: tuple[Any, ...] = (True, False, "1800000000", 1.8e9, -1, 2**53, [], {}, None)
TEXTS: tuple[Any, ...] = ("", 7, True, ["usr_1"], {}, "a\nb", "a\0", "x" * 513, None)
# None stands for null here, which is not absent.
CLAIMS: dict[str, tuple[tuple[Any, ...], str]] = {
    "iss": (("", "https://evil.example", "HTTPS://ID.PARTNER-OPS.TEST", 7, ["x"], None), "wrong_issuer"),
    "exp": (NUMBERS, "bad_claims"),
    "iat": (NUMBERS, "bad_claims"),
    "nbf": (NUMBERS, "bad_claims"),
    "auth_time": (NUMBERS, "bad_claims"),
    "epoch": (NUMBERS, "bad_claims"),
    "sub": (TEXTS, "bad_claims"),
    "client_id": (TEXTS, "bad_claims"),
    "jti": (TEXTS, "bad_claims"),
    "sid": (TEXTS, "bad_claims"),
    "org_id": (TEXTS, "bad_claims"),
    "scope": ((7, ["openid"], {}, True, None), "bad_claims"),
    "authorizations": (
        (
            None,
            [],
            "acme",
            ["acme"],
            {"acme": "invoices:read"},
            {"acme": None},
            {"acme": {"invoices:read": True}},
            {"acme": [1]},
            {"acme": [""]},
            {"acme": [["x"]]},
            {"": ["x"]},
        ),
        "bad_claims",
    ),
    "authorizations_ref": ((None, [], "https://id.partner-ops.test/x", {}), "bad_claims"),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_of_another_type_is_refused(tokens: SessionTokens, name: str) -> None:
    """A boolean is no number, null is not absent, an empty text names nobody."""
    values, code = CLAIMS[name]
    for value in values:
        claims = tokens.claims(rights=RIGHTS) | {name: value}

        assert code_of(tokens, tokens.key.sign(claims)) == code, value


@pytest.mark.parametrize("name", ["exp", "iat", "sub", "client_id", "jti", "aud"])
def test_a_claim_that_is_absent_is_refused(tokens: SessionTokens, name: str) -> None:
    """RFC 9068 section 2.2: what a token always has."""
    assert (
        code_of(tokens, tokens.key.sign({key: value for key, value in tokens.claims().items() if key != name}))
        == "bad_claims"
    )


def test_a_token_of_no_issuer_is_refused(tokens: SessionTokens) -> None:
    """As one of another."""
    assert code_of(tokens, tokens.mint(iss=None)) == "wrong_issuer"


@pytest.mark.parametrize("audience", ["https://other.example", ["https://other.example"], "", "https://api"])
def test_a_token_for_another_service_is_refused(tokens: SessionTokens, audience: Any) -> None:
    """Not by a prefix either."""
    assert code_of(tokens, tokens.mint(aud=audience)) == "wrong_audience"


@pytest.mark.parametrize("audience", [7, True, [], {}, [7], ["https://api.partner-ops.test", 7], {"a": 1}])
def test_an_audience_of_another_type_is_refused(tokens: SessionTokens, audience: Any) -> None:
    """RFC 7519 section 4.1.3: a text, or a list of texts."""
    assert code_of(tokens, tokens.mint(aud=audience)) == "bad_claims"


TIMES: dict[str, tuple[Mapping[str, int], str]] = {
    "expired": ({"iat": NOW - 310, "exp": NOW - 10}, "expired"),
    "expired long ago": ({"iat": 1, "exp": 2}, "expired"),
    "made tomorrow": ({"iat": NOW + 11, "exp": NOW + 400}, "not_yet_valid"),
    "not before": ({"nbf": NOW + 11}, "not_yet_valid"),
    "ends when it begins": ({"iat": NOW, "exp": NOW}, "bad_claims"),
    "ends before it begins": ({"iat": NOW + 5, "exp": NOW}, "bad_claims"),
}


@pytest.mark.parametrize("name", TIMES)
def test_a_token_out_of_its_time_is_refused(tokens: SessionTokens, name: str) -> None:
    """By more than the leeway of ten seconds."""
    claims, code = TIMES[name]

    assert code_of(tokens, tokens.key.sign(tokens.claims() | dict(claims))) == code


PAYLOADS: dict[str, Callable[[str], str]] = {
    "a claim named twice": lambda text: text[:-1] + ', "sub": "usr_other"}',
    "a Client named twice": lambda text: text.replace('"authorizations": {}', '"authorizations": {"a": [], "a": []}'),
    "NaN": lambda text: text[:-1] + ', "x": NaN}',
    "Infinity": lambda text: text[:-1] + ', "x": -Infinity}',
    "too large a number": lambda text: text[:-1] + ', "x": 1e999}',
    "digits without end": lambda text: text[:-1] + f', "x": {"9" * 4400}}}',
    "a list": lambda text: f"[{text}]",
    "a text": lambda _: '"sub"',
    "empty": lambda _: " ",
    "nested": lambda _: '{"a":' * 1100,
    "something behind": lambda text: text + "{}",
    "a byte order mark": lambda text: "\ufeff" + text,
    "a comment": lambda text: text + "//",
    "single quotes": lambda text: text.replace('"', "'"),
}


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_payload_that_is_not_strictly_json_is_refused(tokens: SessionTokens, name: str) -> None:
    """Two readers must not read two things; signed or not."""
    assert code_of(tokens, with_payload(PAYLOADS[name])(tokens)) == "bad_claims"


def test_a_payload_in_another_encoding_is_refused(tokens: SessionTokens) -> None:
    """RFC 8259 section 8.1: UTF-8 alone."""
    head = base64url(json.dumps({"alg": "ES256", "kid": tokens.key.kid, "typ": "at+jwt"}).encode())
    for encoding in ("utf-16", "utf-16-le", "utf-32", "latin-1"):
        payload = json.dumps(tokens.claims() | {"x": "ä"}, ensure_ascii=False)
        text = f"{head}.{base64url(payload.encode(encoding))}"
        assert code_of(tokens, f"{text}.{base64url(tokens.key.signature(text.encode()))}") == "bad_claims"


def test_a_token_of_one_client_that_speaks_of_another_is_refused(tokens: SessionTokens) -> None:
    """`org_id` narrows: a token that contradicts itself is nobody's."""
    assert code_of(tokens, tokens.mint(rights=RIGHTS, org_id="acme")) == "bad_claims"
    assert code_of(tokens, tokens.mint(rights={"globex": ["reports:read"]}, org_id="acme")) == "bad_claims"


def test_every_code_has_a_sentence_and_is_told(tokens: SessionTokens) -> None:
    """Those of this file, and the few that come of fetching and revoking."""
    here = {code for _, code in (*FORM.values(), *CLAIMS.values(), *TIMES.values())}

    of_keys = {"proof_missing", "proof_refused", "wrong_key", "not_bound", "reference_bound"}
    assert here | of_keys | {"no_token", "wrong_audience", "revoked", "authorizations_changed"} == set(REFUSALS)


@pytest.mark.parametrize(
    "confirmation",
    [
        *(None, "", {}, [], "k" * 43, {"jkt": ""}, {"jkt": 7}, {"jkt": "k" * 42}, {"jkt": "k" * 44}),
        *({"x5t#S256": "k" * 43}, {"jkt": "k" * 43, "kid": "k"}, {"jkt": ["k" * 43]}, {"jwk": {}}),
    ],
)
def test_a_binding_that_is_not_known_here_is_refused(tokens: SessionTokens, confirmation: Any) -> None:
    """RFC 7800 section 3.1: a token that is bound in another way is not good for its bearer."""
    assert code_of(tokens, tokens.key.sign(tokens.claims() | {"cnf": confirmation})) == "bad_claims"
