"""Userinfo at the demo Provider: far too much, but only for a good token and within the scopes."""

from __future__ import annotations

import pytest

from tests.demo.provider.software import ISSUER, Software


@pytest.fixture
def software() -> Software:
    return Software()


def test_it_tells_far_more_than_anyone_needs(software: Software) -> None:
    """Sixty claims and more: nested ones, foreign ones, and names that only look like `email`."""
    claims = software.userinfo(software.sign_in()["access_token"]).json()

    assert len(claims) > 60
    assert claims["email"] == "ada@acme.example"
    assert {"phone_number", "birthdate", "address", "groups", "gender", "\u0435mail"} <= set(claims)
    assert claims["\u0435mail"] == "not-ada@acme.example"
    assert claims["address"]["country"] == "CH"


def test_declined_scopes_stay_untold(software: Software) -> None:
    """However talkative it is, `email` and `name` need their scopes."""
    claims = software.userinfo(software.sign_in(ticks=[])["access_token"]).json()

    assert claims.keys() & {"email", "email_verified", "name", "given_name", "picture"} == set()


@pytest.mark.parametrize("path", ["/v1/userinfo", "/userinfo"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_both_paths_and_methods_answer(software: Software, path: str, method: str) -> None:
    """OpenID Connect Core section 5.3.1 wants both methods."""
    bearer = {"Authorization": f"Bearer {software.sign_in()['access_token']}"}

    assert software.channel.request(method, path, headers=bearer).status_code == 200


@pytest.mark.parametrize("header", [None, "", "Basic x", "Bearer", "Bearer ", "Bearer unknown"])
def test_no_good_token_no_claims(software: Software, header: str | None) -> None:
    """Absent, empty and wrong tokens are refused with a challenge."""
    answer = software.channel.get("/v1/userinfo", headers={"Authorization": header} if header is not None else {})

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "sub" not in answer.json()


def test_an_access_token_ends_after_an_hour(software: Software) -> None:
    """3599 seconds, as promised."""
    token = software.sign_in()["access_token"]
    software.clock.now += 3598
    assert software.userinfo(token).status_code == 200
    software.clock.now += 1
    assert software.userinfo(token).status_code == 401


def test_a_refresh_token_is_no_access_token(software: Software) -> None:
    """Each has its use."""
    assert software.userinfo(software.sign_in()["refresh_token"]).status_code == 401


def test_a_token_without_openid_has_no_userinfo(software: Software) -> None:
    """Plain OAuth does not identify anybody."""
    scope = "https://www.googleapis.com/auth/calendar.readonly"

    assert software.userinfo(software.sign_in(scope=scope, ticks=[scope])["access_token"]).status_code == 401


def test_extra_claims_are_planted_in_both_places() -> None:
    """A test can plant canaries, and replace any claim about a person."""
    software = Software(extra_claims=lambda persona_id: {"canary": f"canary-{persona_id}", "email_verified": "true"})

    tokens = software.sign_in("grace")

    for claims in (software.verified(tokens["id_token"]), software.userinfo(tokens["access_token"]).json()):
        assert (claims["canary"], claims["email_verified"]) == ("canary-grace", "true")


def test_the_picture_is_there(software: Software) -> None:
    """A claim that points somewhere points at something."""
    picture = software.userinfo(software.sign_in()["access_token"]).json()["picture"]

    answer = software.channel.get(picture.removeprefix(ISSUER))

    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
    assert software.channel.get("/pictures/nobody.svg").status_code == 404
