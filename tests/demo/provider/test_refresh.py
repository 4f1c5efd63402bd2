"""Refresh tokens at the demo Provider: when there is one, and what it gives."""

from __future__ import annotations

import pytest

from tests.demo.provider.software import NOW, OTHER, Software


@pytest.fixture
def software() -> Software:
    return Software()


def test_a_refresh_token_needs_offline_access(software: Software) -> None:
    """Google: access_type=offline."""
    assert "refresh_token" not in software.sign_in(access_type=None)
    assert "refresh_token" not in software.sign_in("grace", access_type="online")


def test_a_refresh_token_comes_at_the_first_consent_only(software: Software) -> None:
    """Per persona and software, unless consent is asked for again."""
    has_one = [
        "refresh_token" in software.sign_in("ada"),
        "refresh_token" in software.sign_in("ada"),
        "refresh_token" in software.sign_in("grace"),
        "refresh_token" in software.sign_in("ada", prompt="consent"),
    ]

    assert has_one == [True, False, True, True]


def test_after_revocation_the_next_consent_is_a_first_one_again(software: Software) -> None:
    """The memory of the consent ends with the grant."""
    software.revoke(software.sign_in()["refresh_token"])

    assert "refresh_token" in software.sign_in()


def test_a_refresh_token_gives_new_access_and_is_not_rotated(software: Software) -> None:
    """Twice with the same one; the new ID token has no nonce (OpenID Connect Core section 12.2)."""
    tokens = software.sign_in()
    software.clock.now += 100

    first, second = (software.refresh(tokens["refresh_token"]).json() for _ in range(2))

    assert "refresh_token" not in first
    assert len({tokens["access_token"], first["access_token"], second["access_token"]}) == 3
    claims = software.verified(second["id_token"])
    assert (claims["iat"], claims["sub"]) == (NOW + 100, "107691504500061815001")
    assert "nonce" not in claims
    assert software.userinfo(second["access_token"]).status_code == 200


@pytest.mark.parametrize("refresh_token", ["", "1//0unknown"])
def test_an_unknown_refresh_token_is_refused(software: Software, refresh_token: str) -> None:
    """As is an empty one."""
    answer = software.refresh(refresh_token)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_refresh_token_belongs_to_its_software(software: Software) -> None:
    """Another registration cannot use it."""
    token = software.sign_in()["refresh_token"]

    answer = software.refresh(token, client_id=OTHER.client_id, client_secret=OTHER.client_secret)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_refreshing_may_narrow_and_never_widen(software: Software) -> None:
    """RFC 6749 section 6."""
    token = software.sign_in(ticks=["email"])["refresh_token"]

    assert software.refresh(token, scope="openid").json()["scope"] == "openid"
    assert software.refresh(token, scope="openid profile").json()["error"] == "invalid_scope"
