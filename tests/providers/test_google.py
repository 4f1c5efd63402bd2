"""Google's own rules."""

from __future__ import annotations

import pytest

from providers.google import GOOGLE

GOOGLES = "https://accounts.google.com"
DEMO = "http://localhost:8001"


@pytest.mark.parametrize("spelling", ["https://accounts.google.com", "accounts.google.com"])
def test_both_spellings_of_the_issuer_are_one_issuer(spelling: str) -> None:
    """Google documents both; a person must not become two."""
    assert GOOGLE.issuer_rule.issuer_of(GOOGLES, GOOGLES, {"iss": spelling}) == GOOGLES


@pytest.mark.parametrize(
    "issuer", [None, "", "accounts.google.com.evil.example", "http://accounts.google.com", 1], ids=repr
)
def test_no_other_spelling_is(issuer: object) -> None:
    """Nor an absent one."""
    assert GOOGLE.issuer_rule.issuer_of(GOOGLES, GOOGLES, {"iss": issuer}) is None
    assert GOOGLE.issuer_rule.issuer_of(GOOGLES, GOOGLES, {}) is None


def test_a_stand_in_speaks_for_itself_only() -> None:
    """What stands in for Google in the demo cannot issue in Google's name."""
    assert GOOGLE.issuer_rule.issuer_of(DEMO, DEMO, {"iss": DEMO}) == DEMO
    assert GOOGLE.issuer_rule.issuer_of(DEMO, DEMO, {"iss": "accounts.google.com"}) is None
    assert GOOGLE.issuer_rule.issuer_of(DEMO, DEMO, {"iss": GOOGLES}) is None


@pytest.mark.parametrize(
    ("claims", "verified"),
    [
        ({"email": "ada@gmail.com", "email_verified": True}, True),
        ({"email": "ada@GMAIL.com", "email_verified": True}, True),
        ({"email": "ada@acme.example", "email_verified": True, "hd": "acme.example"}, True),
        ({"email": "ada@Acme.example", "email_verified": True, "hd": "acme.EXAMPLE"}, True),
        ({"email": "ada@acme.example", "email_verified": True}, False),
        ({"email": "ada@acme.example", "email_verified": True, "hd": ""}, False),
        ({"email": "ada@acme.example", "email_verified": True, "hd": "globex.example"}, False),
        ({"email": "ada@acme.example", "email_verified": True, "hd": True}, False),
        ({"email": "ada@acme.example", "hd": "acme.example"}, False),
        ({"email": "ada@acme.example", "email_verified": "true", "hd": "acme.example"}, False),
        ({"email": "ada@acme.example", "email_verified": 1, "hd": "acme.example"}, False),
        ({"email": "ada@acme.example", "email_verified": None, "hd": "acme.example"}, False),
        ({"email": "ada@gmail.com", "email_verified": False}, False),
        ({"email": "ada@gmail.com", "email_verified": "true"}, False),
        ({"email": "ada@gmail.com.evil.example", "email_verified": True}, False),
        ({"email": "@gmail.com", "email_verified": True}, False),
        ({"email": "", "email_verified": True, "hd": ""}, False),
        ({"email": ["ada@gmail.com"], "email_verified": True}, False),
        ({"email_verified": True, "hd": "acme.example"}, False),
        ({}, False),
    ],
    ids=repr,
)
def test_an_address_is_proven_only_where_google_runs_the_mailbox(claims: dict[str, object], verified: bool) -> None:
    """gmail.com, or the Workspace domain of the account; and the operator's list changes nothing about it."""
    trusted = frozenset({"acme.example", "gmail.com"})

    assert GOOGLE.email_trust.verified(claims, frozenset()) == (claims["email"] if verified else None)
    assert GOOGLE.email_trust.verified(claims, trusted) == (claims["email"] if verified else None)


def test_the_subject_is_sub() -> None:
    """Never the address."""
    assert GOOGLE.subject({"sub": "1076", "email": "ada@gmail.com"}) == "1076"
    assert GOOGLE.subject({"email": "ada@gmail.com"}) is None


def test_people_are_sent_to_googles_page_for_google_only() -> None:
    """The demo's stand-in has nothing to do with it."""
    page = GOOGLE.revocation.permissions_page

    assert page(GOOGLES, "us") == "https://myaccount.google.com/connections"
    assert page(DEMO, "us") is None
