"""What a good token comes to, and the few ways in which good tokens may differ."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import jwt
import pytest

from partner_ops_verifier import RightMissing, TokenRefused, Verifier
from partner_ops_verifier.http import Answer, Request
from partner_ops_verifier.published import REFETCH_SECONDS
from partner_ops_verifier.testing import AUDIENCE, ISSUER, AsyncMemoryHttp, SessionTokens, TestKey, base64url
from partner_ops_verifier.token import receive, take_apart
from tests.verifier.hands import NOW, Hands

RIGHTS = {"acme": ["invoices:read", "reports:read"], "globex": ["reports:read"]}


@pytest.fixture
def tokens() -> SessionTokens:
    return SessionTokens(now=NOW)


def test_a_session_says_who_and_what(tokens: SessionTokens) -> None:
    """Every claim of the contract, under the product's words."""
    token = tokens.mint("usr_ada", RIGHTS, scope="openid email", epoch=7, nbf=NOW + 5, email="ada@acme.example")
    session = tokens.verifier().verify(token)

    assert (session.user, session.id, session.application_id) == ("usr_ada", "ses_test", "test-app")
    assert session.token_id.startswith("gnt_test.")
    assert (session.issued_at, session.not_before, session.expires_at) == (NOW, NOW + 5, NOW + 300)
    assert (session.auth_time, session.epoch, session.organization) == (NOW, 7, None)
    assert session.scopes == {"openid", "email"}
    assert session.client_orgs == {"acme", "globex"}
    assert session.claims()["email"] == "ada@acme.example"
    assert "ada@acme.example" not in repr(session)


def test_rights_are_each_clients_own(tokens: SessionTokens) -> None:
    """What is absent is no."""
    session = tokens.verifier().verify(tokens.mint("usr_ada", RIGHTS))

    assert session.rights("acme") == {"invoices:read", "reports:read"}
    assert session.rights("globex") == {"reports:read"}
    assert session.rights("initech") == session.rights("") == frozenset()
    assert session.may("acme", "invoices:read")
    assert not session.may("globex", "invoices:read")
    session.require("acme", "invoices:read")
    with pytest.raises(RightMissing) as missing:
        session.require("globex", "invoices:read")
    assert (missing.value.client_org, missing.value.right) == ("globex", "invoices:read")


@pytest.mark.parametrize("authorizations", [None, {}, {"acme": []}])
def test_without_authorizations_there_are_no_rights(tokens: SessionTokens, authorizations: Any) -> None:
    """Absent and empty are the same."""
    session = tokens.verifier().verify(tokens.mint(authorizations=authorizations))

    assert session.rights("acme") == frozenset()


def test_a_session_cannot_be_changed(tokens: SessionTokens) -> None:
    """It is handed to every request with this token."""
    verifier, token = tokens.verifier(), tokens.mint("usr_ada", RIGHTS)
    verifier.verify(token).claims()["authorizations"]["acme"].append("everything")

    assert verifier.verify(token).claims()["authorizations"]["acme"] == RIGHTS["acme"]
    with pytest.raises(AttributeError):
        verifier.verify(token).user = "usr_other"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        verifier.verify(token).rights("acme").add("everything")  # type: ignore[attr-defined]


def test_a_token_is_narrowed_to_one_client(tokens: SessionTokens) -> None:
    """`organization=acme` of the authorize request."""
    session = tokens.verifier().verify(tokens.mint("usr_ada", {"acme": ["x"]}, org_id="acme"))

    assert session.organization == "acme"
    assert session.client_orgs == {"acme"}


@pytest.mark.parametrize("alg", ["ES256", "RS256", "EdDSA"])
def test_each_algorithm_is_accepted(alg: str) -> None:
    """Of a key of its kind."""
    tokens = SessionTokens(alg=alg, now=NOW)

    assert tokens.verifier().verify(tokens.mint("usr_ada")).user == "usr_ada"


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"])
def test_the_type_is_a_media_type(tokens: SessionTokens, typ: str) -> None:
    """RFC 9068 section 4, RFC 7515 section 4.1.9."""
    assert tokens.verifier().verify(tokens.key.sign(tokens.claims("usr_ada"), typ=typ)).user == "usr_ada"


@pytest.mark.parametrize("audience", [AUDIENCE, [AUDIENCE], ["https://other.example", AUDIENCE]])
def test_the_audience_may_be_one_of_several(tokens: SessionTokens, audience: Any) -> None:
    """RFC 7519 section 4.1.3."""
    assert tokens.verifier().verify(tokens.mint("usr_ada", aud=audience)).user == "usr_ada"


def test_what_nobody_knows_is_ignored(tokens: SessionTokens) -> None:
    """RFC 7515 section 4, RFC 7519 section 4: of header and claims."""
    claims = tokens.claims("usr_ada") | {"https://example/claim": {"a": [1, 2.5, None]}}

    assert tokens.verifier().verify(tokens.key.sign(claims, kind="of its own")).user == "usr_ada"


@pytest.mark.parametrize(("leeway", "late"), [(0, 1), (10, 11), (60, 61)])
def test_clocks_may_differ_by_the_leeway_and_no_more(tokens: SessionTokens, leeway: int, late: int) -> None:
    """Both at the end and at the beginning."""
    hands = Hands()
    verifier = tokens.verifier(leeway=leeway, clocks=hands.clocks)
    token = tokens.mint("usr_ada")

    hands.now = NOW + 300 + leeway - 1
    assert verifier.verify(token).user == "usr_ada"
    hands.now = NOW - leeway
    assert verifier.verify(token).user == "usr_ada"
    for now, code in ((NOW + 300 + leeway, "expired"), (NOW - late, "not_yet_valid")):
        hands.now = now
        for _ in range(2):  # remembered, and not
            with pytest.raises(TokenRefused) as refused:
                verifier.verify(token)
            assert refused.value.code == code


def test_white_space_in_json_is_json(tokens: SessionTokens) -> None:
    """What another library of an issuer may write."""
    header = {"alg": "ES256", "kid": tokens.key.kid, "typ": "at+jwt"}
    for around in ("", " ", "\n\t"):
        parts = (f"{around}{json.dumps(part, indent=1)}{around}" for part in (header, tokens.claims("usr_ada")))
        text = ".".join(base64url(part.encode()) for part in parts)
        token = f"{text}.{base64url(tokens.key.signature(text.encode()))}"

        assert tokens.verifier().verify(token).user == "usr_ada"


@pytest.mark.parametrize("alg", ["ES256", "RS256", "EdDSA"])
def test_pyjwt_agrees(alg: str) -> None:
    """What is minted here is a JWT to others, and what others make is one here."""
    tokens = SessionTokens(alg=alg)
    key, header = jwt.PyJWK(tokens.key.jwk), {"kid": tokens.key.kid, "typ": "at+jwt"}
    theirs = jwt.encode(tokens.claims("usr_ada"), tokens.key.private, algorithm=alg, headers=header)

    assert jwt.decode(tokens.mint("usr_ada"), key, audience=AUDIENCE, issuer=ISSUER)["sub"] == "usr_ada"
    assert tokens.verifier().verify(theirs).user == "usr_ada"


@pytest.mark.parametrize(
    ("issuer", "audience", "leeway"),
    [
        ("http://id.example", AUDIENCE, 10),
        ("https://id.example/", AUDIENCE, 10),
        ("https://id.example?x", AUDIENCE, 10),
        ("https://me@id.example", AUDIENCE, 10),
        ("id.example", AUDIENCE, 10),
        ("", AUDIENCE, 10),
        ("https://id.example", "", 10),
        ("https://id.example", AUDIENCE, -1),
        ("https://id.example", AUDIENCE, 301),
    ],
)
def test_a_verifier_that_could_not_be_right_is_not_made(issuer: str, audience: str, leeway: int) -> None:
    """At the start of a service, not at its first request."""
    with pytest.raises(ValueError, match=r"issuer|audience|leeway|address|http"):
        Verifier(issuer, audience, leeway=leeway)


def test_an_origin_that_is_none_cannot_be_trusted() -> None:
    """Nor can one that is spoken to over http."""
    for origin in ("", "keys.example", "http://keys.example"):
        with pytest.raises(ValueError, match=r"address|http"):
            Verifier("https://id.example", AUDIENCE, trusted_origins=[origin])


class Unhurried(AsyncMemoryHttp):
    """Lets others go on meanwhile, as a network does."""

    async def fetch(self, request: Request) -> Answer:
        await asyncio.sleep(0.01)
        return await super().fetch(request)


def test_an_asynchronous_verifier_outlives_its_loop(tokens: SessionTokens) -> None:
    """Some programs, and many tests, run one loop after the other; each with many who ask at once."""
    hands = Hands()
    verifier = tokens.async_verifier(http=Unhurried(tokens.http), clocks=hands.clocks)

    async def many() -> set[str]:
        token = tokens.mint("usr_ada")
        return {session.user for session in await asyncio.gather(*(verifier.verify(token) for _ in range(5)))}

    for _ in range(2):
        assert asyncio.run(many()) == {"usr_ada"}
        tokens.rotate()
        hands.passed += REFETCH_SECONDS


def test_nothing_that_is_shown_holds_a_token(tokens: SessionTokens) -> None:
    """In a traceback, or a log of it."""
    token = tokens.mint("usr_ada", email="ada@acme.example")
    sent = receive(token)

    for part in token.split("."):
        assert part not in repr(sent) + repr(take_apart(sent)) + repr(tokens.verifier().verify(token))
    assert "ada@" not in repr(take_apart(sent))


def test_a_verifier_can_be_used_in_a_with_statement(tokens: SessionTokens) -> None:
    """Without a feed there is nothing to begin or to end."""
    with tokens.verifier() as verifier:
        assert verifier.verify(tokens.mint("usr_ada")).user == "usr_ada"
    assert verifier.verify(tokens.mint("usr_ada")).user == "usr_ada"


def test_a_test_key_knows_three_algorithms() -> None:
    """And says so."""
    with pytest.raises(ValueError, match="ES256"):
        TestKey("HS256")
