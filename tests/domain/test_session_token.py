"""The claims of what the broker signs, up to the last byte that they may take."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.grant import Grant
from broker.domain.ids import ApplicationId, ClientOrgId
from broker.domain.policy import RESERVED_CLAIMS
from broker.domain.session_token import (
    ACR,
    LIFETIME,
    MAX_ATTRIBUTES,
    MAX_CLAIMS,
    canonical,
    id_token_claims,
    left_half_hash,
    session_claims,
)
from tests.domain.world import ACME, GLOBEX, GRANT, ISSUER, NOW

RIGHTS = {GLOBEX: ("reports:read",), ACME: ("invoices:read", "reports:read")}
ATTRIBUTES = {"email": "ada@acme.example", "name": "Ada"}


def header(alg: str) -> str:
    return base64.urlsafe_b64encode(json.dumps({"alg": alg, "typ": "at+jwt"}).encode()).rstrip(b"=").decode()


ACCESS_TOKEN = f"{header('ES256')}.e30.c2lnbmF0dXJl"


def session(
    grant: Grant = GRANT,
    authorizations: Mapping[ClientOrgId, Sequence[str]] = RIGHTS,
    attributes: Mapping[str, str] = ATTRIBUTES,
) -> dict[str, Any]:
    return session_claims(
        grant=grant,
        issuer=ISSUER,
        audience="https://api.partner-ops.example",
        jti="gnt_1.tok_1",
        authorizations=authorizations,
        attributes=attributes,
        epoch=7,
        now=NOW,
    )


def identity(
    grant: Grant = GRANT, attributes: Mapping[str, str] = ATTRIBUTES, access_token: str = ACCESS_TOKEN
) -> dict[str, Any]:
    return id_token_claims(
        grant=grant, issuer=ISSUER, access_token=access_token, attributes=attributes, nonce=grant.nonce, now=NOW
    )


def size(value: object) -> int:
    return len(json.dumps(value, separators=(",", ":")).encode())


def clients(count: int) -> dict[ClientOrgId, tuple[str, ...]]:
    return {ClientOrgId(f"client-{number}"): ("invoices:read",) for number in range(count)}


def test_a_session_jwt_says_who_for_whom_and_what_they_may_do() -> None:
    """RFC 9068 section 2.2, and our own claims."""
    assert session() == {
        "iss": ISSUER,
        "sub": "usr_ada",
        "aud": "https://api.partner-ops.example",
        "exp": NOW + LIFETIME,
        "iat": NOW,
        "jti": "gnt_1.tok_1",
        "client_id": "demo-app",
        "scope": "openid email",
        "auth_time": NOW - 100,
        "acr": ACR,
        "amr": ["fed"],
        "sid": "ses_1",
        "epoch": 7,
        "authorizations": {"globex": ["reports:read"], "acme": ["invoices:read", "reports:read"]},
        "email": "ada@acme.example",
        "name": "Ada",
    }


def test_a_session_jwt_lives_five_minutes() -> None:
    """The longest that a withdrawn right is still believed."""
    assert LIFETIME == 300


def test_a_narrowed_session_jwt_names_its_client() -> None:
    """`org_id`, as other products call it."""
    claims = session(replace(GRANT, organization=ACME), {ACME: ("invoices:read",)})

    assert claims["org_id"] == "acme"
    assert claims["authorizations"] == {"acme": ["invoices:read"]}


def test_a_person_without_authorizations_is_told_to_have_none() -> None:
    """An empty object is an answer, an absent one would be a question."""
    claims = session(authorizations={})

    assert claims["authorizations"] == {}
    assert "authorizations_ref" not in claims


def test_an_id_token_says_who_signed_in() -> None:
    """OpenID Connect Core section 2; nothing of it says what they may do."""
    assert identity() == {
        "iss": ISSUER,
        "sub": "usr_ada",
        "aud": "demo-app",
        "exp": NOW + LIFETIME,
        "iat": NOW,
        "auth_time": NOW - 100,
        "acr": ACR,
        "amr": ["fed"],
        "sid": "ses_1",
        "nonce": "nonce-canary",
        "at_hash": left_half_hash(ACCESS_TOKEN),
        "email": "ada@acme.example",
        "name": "Ada",
    }


def test_an_id_token_has_a_nonce_only_if_one_was_sent() -> None:
    """OpenID Connect Core section 3.1.2.1."""
    assert "nonce" not in identity(replace(GRANT, nonce=None))


reserved = st.dictionaries(
    st.sampled_from(sorted(RESERVED_CLAIMS)) | st.sampled_from(["email", "name"]), st.text(max_size=30), max_size=40
)


@given(reserved, st.sampled_from([None, ACME]), st.sampled_from([None, "n"]))
def test_no_attribute_ever_takes_a_reserved_claim(
    attributes: dict[str, str], organization: ClientOrgId | None, nonce: str | None
) -> None:
    """Neither one that is there nor one that is left out, such as `org_id` of a token for all Clients."""
    grant = replace(GRANT, organization=organization, nonce=nonce)
    own = {name: value for name, value in attributes.items() if name not in RESERVED_CLAIMS}

    for named, claims, without in (
        ("session", session(grant, attributes=attributes), session(grant, attributes={})),
        ("identity", identity(grant, attributes), identity(grant, {})),
    ):
        assert claims == without | {name: value for name, value in own.items() if name in claims}, named
        assert without.keys() <= RESERVED_CLAIMS, named


def test_the_last_authorization_that_fits_is_still_told() -> None:
    """One more makes all of them a reference: none is cut."""
    fitting = max(count for count in range(200) if "authorizations" in session(authorizations=clients(count)))
    last, next_one = session(authorizations=clients(fitting)), session(authorizations=clients(fitting + 1))

    assert last["authorizations"] == {client_org: list(rights) for client_org, rights in clients(fitting).items()}
    assert "authorizations" not in next_one
    assert size(last) <= MAX_CLAIMS < size(last | {"authorizations": clients(fitting + 1)})
    assert fitting >= 30


def test_the_very_last_byte_may_be_used() -> None:
    """And not one more: neither by Authorizations nor by an attribute."""
    room = MAX_CLAIMS - size(session(authorizations={ACME: [""]}))
    exactly, too_long = session(authorizations={ACME: ["r" * room]}), session(authorizations={ACME: ["r" * (room + 1)]})
    fits = {"name": "a" * (MAX_ATTRIBUTES - size({"name": ""}))}

    assert size(exactly) == MAX_CLAIMS
    assert "authorizations" in exactly
    assert "authorizations_ref" in too_long
    assert session(attributes=fits)["name"] == fits["name"]
    assert "name" not in session(attributes={"name": fits["name"] + "a"})


def test_an_id_token_has_room_for_ordinary_attributes_and_no_more() -> None:
    """Those that come too late by name are left out whole."""
    told = dict.fromkeys(("email", "family_name", "given_name", "locale", "name"), "a" * 600)

    assert [name for name in identity(attributes=told) if name in told] == ["email", "family_name", "given_name"]


@pytest.mark.parametrize("count", [100, 10_000])
def test_a_reference_says_where_how_many_and_exactly_which(count: int) -> None:
    """Whoever follows it can prove that nothing was added or left out."""
    claims = session(authorizations=clients(count))
    fetched = canonical(clients(count))

    assert "authorizations" not in claims
    assert claims["authorizations_ref"] == {
        "url": f"{ISSUER}/api/v1/authorizations",
        "digest": f"sha-256:{hashlib.sha256(fetched).hexdigest()}",
        "count": count,
    }
    assert json.loads(fetched) == {c: list(r) for c, r in clients(count).items()}


def test_one_client_with_very_many_rights_is_a_reference_too() -> None:
    """What counts is bytes."""
    claims = session(authorizations={ACME: [f"right-{number}" for number in range(1000)]})

    assert claims["authorizations_ref"]["count"] == 1


def test_the_digest_does_not_depend_on_the_order_of_the_clients() -> None:
    """Sorted keys, no white space, UTF-8."""
    assert canonical(RIGHTS) == canonical(dict(reversed(RIGHTS.items())))
    assert canonical(RIGHTS) == b'{"acme":["invoices:read","reports:read"],"globex":["reports:read"]}'
    assert canonical({}) == b"{}"
    assert canonical({ClientOrgId("z\u00fc"): ["\u4e16"]}) == '{"zü":["世"]}'.encode()


def test_an_attribute_that_does_not_fit_is_left_out_whole() -> None:
    """And one that comes after it by name, and fits, is there."""
    attributes = {"email": "ada@acme.example", "name": "A" * MAX_ATTRIBUTES, "picture": "https://x.example/ada.png"}

    told = {name: value for name, value in session(attributes=attributes).items() if name in attributes}

    assert told == {"email": "ada@acme.example", "picture": "https://x.example/ada.png"}
    assert identity(attributes=attributes)["name"] == attributes["name"]


attributes = st.dictionaries(
    st.sampled_from(["email", "family_name", "given_name", "locale", "name", "picture", "zoneinfo"]),
    st.text(max_size=30) | st.text('\u4e16\U0001f600é"\\', max_size=1024) | st.integers(0, 1024).map("a".__mul__),
)


@given(attributes, st.none() | st.integers(1, 512).map('"'.__mul__))
def test_attributes_never_take_more_than_their_room(told: dict[str, str], nonce: str | None) -> None:
    """Counted in bytes of JSON; what is there is what was released."""
    grant = replace(GRANT, nonce=nonce)
    in_session, in_identity = session(grant, attributes=told), identity(grant, told)

    assert size(in_session) <= size(session(grant, attributes={})) + MAX_ATTRIBUTES
    assert size(in_identity) <= MAX_CLAIMS
    for claims in (in_session, in_identity):
        assert {n: v for n, v in claims.items() if n in told} == {n: v for n, v in told.items() if n in claims}


@pytest.mark.parametrize("count", [0, 1, 10_000])
def test_attributes_do_not_depend_on_how_many_clients_there_are(count: int) -> None:
    """They come first: a service that addresses people by name does not stop when somebody joins a Client."""
    claims = session(authorizations=clients(count))

    assert (claims["email"], claims["name"]) == ("ada@acme.example", "Ada")


@pytest.mark.parametrize(("alg", "name"), [("ES256", "sha256"), ("RS256", "sha256"), ("EdDSA", "sha512")])
def test_at_hash_uses_the_hash_of_the_algorithm(alg: str, name: str) -> None:
    """OpenID Connect Core section 3.1.3.6; Ed25519 has SHA-512 inside."""
    token = f"{header(alg)}.e30.c2lnbmF0dXJl"
    digest = hashlib.new(name, token.encode()).digest()

    assert left_half_hash(token) == base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


@pytest.mark.parametrize("length", range(8))
def test_at_hash_does_not_depend_on_the_length_of_a_header(length: int) -> None:
    """Base64url has no padding there (RFC 7515 section 2)."""
    named = base64.urlsafe_b64encode(json.dumps({"alg": "ES256", "kid": "k" * length}).encode()).rstrip(b"=").decode()

    assert left_half_hash(f"{named}.e30.c2lnbmF0dXJl") is not None


@pytest.mark.parametrize(
    "token",
    [
        "",
        "opaque",
        "a.b.c",
        "\u00e9.b.c",
        f"{header('HS256')}.e30.x",
        f"{header('none')}.e30.",
        "e30.e30.x",
        "W10.e30.x",
    ],
    ids=["empty", "opaque", "no JSON", "no ASCII", "HS256", "none", "no alg", "a list"],
)
def test_without_a_known_algorithm_there_is_no_at_hash(token: str) -> None:
    """The claim may be left out; a wrong one would be refused."""
    assert left_half_hash(token) is None
    assert "at_hash" not in identity(access_token=token)


def test_two_applications_get_two_audiences() -> None:
    """An ID token is for the Application, a session JWT for its downstream service."""
    other = replace(GRANT, application_id=ApplicationId("reports"))

    assert (identity(other)["aud"], session(other)["client_id"]) == ("reports", "reports")
