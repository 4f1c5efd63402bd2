"""The rules for a Provider of which nothing is known but the standard."""

from __future__ import annotations

import pytest

from providers.claims import NEVER_TRUSTED
from providers.oidc import OIDC

TRUSTED = frozenset({"corp.example"})


@pytest.mark.parametrize(
    ("claims", "trusted", "verified"),
    [
        ({"email": "ada@corp.example", "email_verified": True}, TRUSTED, True),
        ({"email": "ada@CORP.example", "email_verified": True}, TRUSTED, True),
        ({"email": "ada@corp.example", "email_verified": True}, frozenset(), False),
        ({"email": "ada@corp.example", "email_verified": True}, frozenset({"other.example"}), False),
        ({"email": "ada@sub.corp.example", "email_verified": True}, TRUSTED, False),
        ({"email": "ada@corp.example.evil.example", "email_verified": True}, TRUSTED, False),
        ({"email": "ada@evil.example@corp.example", "email_verified": True}, TRUSTED, False),
        ({"email": "@corp.example", "email_verified": True}, TRUSTED, False),
        ({"email": "corp.example", "email_verified": True}, frozenset({""}), False),
        ({"email": "ada@", "email_verified": True}, frozenset({""}), False),
        ({"email": "ada@corp.example"}, TRUSTED, False),
        ({"email": "ada@corp.example", "email_verified": "true"}, TRUSTED, False),
        ({"email": "ada@corp.example", "email_verified": "false"}, TRUSTED, False),
        ({"email": "ada@corp.example", "email_verified": 1}, TRUSTED, False),
        ({"email": "ada@corp.example", "email_verified": None}, TRUSTED, False),
        ({"email": "ada@corp.example", "email_verified": False}, TRUSTED, False),
        ({"email": None, "email_verified": True}, TRUSTED, False),
        ({"email": ["ada@corp.example"], "email_verified": True}, TRUSTED, False),
        ({}, TRUSTED, False),
    ],
    ids=repr,
)
def test_an_address_counts_in_the_domains_that_the_operator_listed(
    claims: dict[str, object], trusted: frozenset[str], verified: bool
) -> None:
    """And only when the Provider says JSON true; without a list, never."""
    assert OIDC.email_trust.verified(claims, trusted) == (claims["email"] if verified else None)


def test_never_means_never() -> None:
    """For Providers whose word about addresses is worth nothing."""
    assert NEVER_TRUSTED.verified({"email": "a@corp.example", "email_verified": True}, TRUSTED) is None


def test_the_registration_must_name_the_issuer() -> None:
    """There is no Provider called OpenID Connect."""
    assert OIDC.issuer is None
