"""Signing in at the demo Application: what it asks for, and every answer that signs nobody in."""

from __future__ import annotations

from typing import Any

import pytest

from tests.demo.application.person import OWN, Person
from tests.demo.fake_broker import APPLICATION, ISSUER, NOW


@pytest.fixture
def person() -> Person:
    return Person()


def test_the_browser_is_sent_to_the_broker_with_everything_it_needs(person: Person) -> None:
    """Code, PKCE S256, state and nonce, all fresh each time."""
    person.come_back()
    person.come_back()
    first, second = person.broker.authorize_requests

    assert {
        "response_type": "code",
        "client_id": APPLICATION,
        "redirect_uri": f"{OWN}/callback",
        "scope": "openid profile email",
        "code_challenge_method": "S256",
    }.items() <= first.items()
    assert "organization" not in first
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name]) >= 43
        assert first[name] != second[name]


def test_a_sign_in_can_be_narrowed_to_one_client(person: Person) -> None:
    """By the broker's own parameter, and for the demo's Clients only."""
    for organization in ("acme", "mallory"):
        person.come_back(f"/sign-in?organization={organization}")

    assert [asked.get("organization") for asked in person.broker.authorize_requests] == ["acme", None]


@pytest.mark.parametrize(
    ("callback", "status", "title"),
    [
        ({"code": None, "error": "access_denied"}, 400, "You are not signed in"),
        ({"code": None, "error": "temporarily_unavailable"}, 400, "Partner Ops cannot be reached"),
        ({"code": None, "error": "<script>"}, 400, "The sign-in did not work"),
        ({"code": None, "error": ""}, 400, "The sign-in did not work"),
        ({"state": "another"}, 400, "This sign-in was not started here"),
        ({"state": None}, 400, "This sign-in was not started here"),
        ({"state": ""}, 400, "This sign-in was not started here"),
        ({"iss": None}, 400, "The answer came from somebody else"),
        ({"iss": ""}, 400, "The answer came from somebody else"),
        ({"iss": f"{ISSUER}/"}, 400, "The answer came from somebody else"),
        ({"iss": "https://evil.example", "error": "access_denied"}, 400, "The answer came from somebody else"),
        ({"code": "another"}, 400, "The sign-in could not be completed"),
        ({"code": None}, 400, "The sign-in could not be completed"),
    ],
)
def test_a_bad_answer_from_the_browser_gets_a_friendly_page(
    person: Person, callback: dict[str, str | None], status: int, title: str
) -> None:
    """What happened and what to do, and nobody is signed in."""
    person.broker.callback = callback

    answer = person.sign_in()

    assert (answer.status_code, f"<h1>{title}</h1>" in answer.text) == (status, True)
    assert "Sign in again</a>" in answer.text
    assert "<script" not in answer.text
    assert "Hello" not in person.home()


@pytest.mark.parametrize(
    "identity",
    [
        {"iss": "https://evil.example"},
        {"aud": "somebody-else"},
        {"aud": ...},
        {"exp": NOW - 100},
        {"iat": NOW + 100},
        {"nonce": ...},
        {"nonce": ""},
        {"nonce": "another"},
        {"nonce": 1},
        {"azp": "somebody-else"},
        {"at_hash": "another"},
        {"sub": ""},
    ],
)
def test_an_id_token_that_is_not_right_signs_nobody_in(person: Person, identity: dict[str, Any]) -> None:
    """OpenID Connect Core section 3.1.3.7."""
    person.broker.identity = identity

    answer = person.sign_in()

    assert answer.status_code == 400
    assert "could not be verified" in answer.text
    assert "Hello" not in person.home()


@pytest.mark.parametrize("tokens", [{"id_token": None}, {"access_token": None}, {"id_token": 1}, {"id_token": ""}])
def test_a_token_answer_with_something_missing_signs_nobody_in(person: Person, tokens: dict[str, Any]) -> None:
    """Both tokens are needed."""
    person.broker.tokens = tokens

    assert person.sign_in().status_code == 400
    assert "Hello" not in person.home()


def test_a_session_jwt_is_not_an_id_token(person: Person) -> None:
    """The types are told apart."""
    person.broker.tokens = {"id_token": person.broker.session_jwt(aud=APPLICATION)}

    assert person.sign_in().status_code == 400


def test_an_id_token_without_at_hash_is_enough(person: Person) -> None:
    """It is optional in the code flow."""
    person.broker.identity = {"at_hash": ...}

    assert person.sign_in().status_code == 303


def test_an_issuer_that_was_not_promised_may_be_missing_but_not_wrong(person: Person) -> None:
    """RFC 9207 section 2.4."""
    person.broker.metadata = {"authorization_response_iss_parameter_supported": None}
    person.broker.callback = {"iss": None}
    assert person.sign_in().status_code == 303

    person.broker.callback = {"iss": "https://evil.example"}
    assert person.sign_in().status_code == 400


def test_an_answer_counts_once(person: Person) -> None:
    """The same address again is refused, and the first sign-in stands."""
    back = person.come_back()
    person.browser.get(back)

    again = person.browser.get(back)

    assert again.status_code == 400
    assert "Hello" in person.home()


def test_an_answer_counts_in_its_own_browser_only(person: Person) -> None:
    """A link with somebody else's code and state signs nobody in."""
    back = person.come_back()
    person.browser.cookies.clear()

    assert person.browser.get(back).status_code == 400
    assert "Hello" not in person.home()


def test_an_answer_with_a_repeated_parameter_is_refused(person: Person) -> None:
    """Which of the two would count?"""
    assert person.browser.get(person.come_back() + "&code=another").status_code == 400


def test_an_attempt_lives_for_ten_minutes(person: Person) -> None:
    """Then one starts again."""
    back = person.come_back()
    person.now += 600

    assert person.browser.get(back).status_code == 400


def test_two_tabs_can_sign_in_side_by_side(person: Person) -> None:
    """In either order."""
    first = person.browser.get("/sign-in")
    second = person.come_back()
    first_back = person.at_broker.get(first.headers["location"]).headers["location"]
    person.broker.authorize_requests.insert(0, person.broker.authorize_requests.pop())

    assert person.browser.get(second).status_code == 303
    person.broker.authorize_requests.insert(0, person.broker.authorize_requests.pop())
    assert person.browser.get(first_back).status_code == 303


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_broker_that_is_down_gets_a_page_that_says_so(person: Person, when: str) -> None:
    """At the start, or on the way back; with 503 and a time to try again."""
    back = person.come_back() if when == "after" else "/sign-in"
    person.now += 301
    person.wire.down.add(ISSUER)

    answer = person.browser.get(back)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "Partner Ops cannot be reached" in answer.text


def test_a_broker_that_fails_at_the_exchange_is_down_too(person: Person) -> None:
    """Status 500 is nobody's fault here."""
    person.broker.token_status = 500

    assert person.sign_in().status_code == 503
