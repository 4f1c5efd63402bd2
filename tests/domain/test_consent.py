"""What a User allowed a third-party Application."""

from __future__ import annotations

import pytest

from broker.domain.consent import Consent, suffices
from tests.domain.world import ADA, APPLICATION, NOW


def given_for(*scopes: str) -> Consent:
    return Consent(user_id=ADA, application_id=APPLICATION.id, scopes=scopes, given_at=NOW)


@pytest.mark.parametrize("asked", [(), ("openid",), ("email", "openid")])
def test_what_was_allowed_before_is_not_asked_again(asked: tuple[str, ...]) -> None:
    """Nor a part of it, in whatever order."""
    assert suffices(given_for("openid", "email"), asked)


@pytest.mark.parametrize("asked", [("profile",), ("openid", "email", "profile"), ("Openid",), ("",)])
def test_more_than_was_allowed_is_asked_again(asked: tuple[str, ...]) -> None:
    """A consent is never stretched."""
    assert not suffices(given_for("openid", "email"), asked)


def test_an_empty_consent_allows_nothing() -> None:
    """It was given for no scope."""
    assert not suffices(given_for(), ("openid",))


@pytest.mark.parametrize("asked", [(), ("openid",)])
def test_without_a_consent_nothing_is_allowed(asked: tuple[str, ...]) -> None:
    """Not even to ask for nothing."""
    assert not suffices(None, asked)
