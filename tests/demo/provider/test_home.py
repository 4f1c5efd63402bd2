"""The demo Provider's own pages: what was allowed, and taking it back."""

from __future__ import annotations

from dataclasses import replace

import jwt
import pytest

from broker.demo.provider.sign_out import EVENT
from tests.demo.provider.software import LOGOUT, Software


@pytest.fixture
def software() -> Software:
    return Software()


def test_at_first_nothing_was_allowed(software: Software) -> None:
    """And the page says so."""
    assert "Nobody allowed anything yet" in software.browser.get("/").text


def test_living_grants_are_listed_in_words(software: Software) -> None:
    """Whom, for which software, and what."""
    software.sign_in(ticks=["email"])

    page = software.browser.get("/").text

    assert "Partner Ops for Ada Lovelace" in page
    assert "See your e-mail address" in page
    assert "See your name and picture" not in page


def test_removing_access_ends_the_grant_without_telling_the_software(software: Software) -> None:
    """As in the settings of a Google account."""
    tokens = software.sign_in()

    answer = software.browser.post("/grants/remove", data={"grant": "0"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert software.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert "Nobody allowed anything yet" in software.browser.get("/").text


@pytest.mark.parametrize("number", ["", "-1", "1", "x", "99999999999"])
def test_only_what_is_listed_can_be_removed(software: Software, number: str) -> None:
    """Anything else is refused."""
    software.sign_in()

    assert software.browser.post("/grants/remove", data={"grant": number}).status_code == 400
    assert software.provider.grants[0].alive


def test_another_site_cannot_remove_access(software: Software) -> None:
    """Only our own page's form counts."""
    software.sign_in()

    answer = software.browser.post("/grants/remove", data={"grant": "0"}, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 400
    assert software.provider.grants[0].alive


@pytest.mark.parametrize(("path", "kind"), [("/style.css", "text/css"), ("/icon.svg", "image/svg+xml")])
def test_its_looks_are_its_own(software: Software, path: str, kind: str) -> None:
    """Served from here, since the policy of the pages allows no other place."""
    answer = software.browser.get(path)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(kind)


def test_signing_out_tells_the_software(software: Software) -> None:
    """With a logout token, signed like an ID token; what was allowed stays so."""
    tokens = software.sign_in()
    assert "Sign Ada Lovelace out of Partner Ops" in software.browser.get("/").text

    answer = software.browser.post("/sign-out", data={"grant": "0"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    ((url, token),) = software.told
    assert url == LOGOUT
    claims = software.verified(token)
    assert (claims["sub"], claims["events"]) == (software.verified(tokens["id_token"])["sub"], {EVENT: {}})
    assert jwt.get_unverified_header(token)["typ"] == "logout+jwt"
    assert "nonce" not in claims
    assert software.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize(("answers", "says"), [(400, "does not accept it"), (None, "does not answer")])
def test_it_says_when_the_software_was_not_told(software: Software, answers: int | None, says: str) -> None:
    """So that whoever tries it out knows why nothing happened."""
    software.sign_in()
    software.answers = answers

    answer = software.browser.post("/sign-out", data={"grant": "0"})

    assert (answer.status_code, says in answer.text) == (502, True)


@pytest.mark.parametrize("number", ["", "-1", "1", "x"])
def test_nobody_else_is_signed_out(software: Software, number: str) -> None:
    """Nor by another site, nor of software that does not want to be told."""
    software.sign_in()
    post = software.browser.post
    assert post("/sign-out", data={"grant": number}).status_code == 400
    assert post("/sign-out", data={"grant": "0"}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 400
    registration = software.provider.registrations["software"]
    software.provider.registrations["software"] = replace(registration, backchannel_logout_uri=None)
    assert post("/sign-out", data={"grant": "0"}).status_code == 400
    assert "Sign Ada Lovelace out" not in software.browser.get("/").text
    assert software.told == []
