"""Back-channel logout at the demo Application: whom the broker names is signed out, by good tokens alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.demo.application.person import Person

OUT = "You were signed out"


@pytest.fixture
def person() -> Person:
    somebody = Person()
    somebody.sign_in()
    return somebody


def told(person: Person, token: str) -> int:
    """The status of what the Application answers the broker."""
    person.browser.cookies, kept = {}, dict(person.browser.cookies)  # the broker has no cookie of the browser's
    answer = person.browser.post("/backchannel-logout", data={"logout_token": token})
    person.browser.cookies.update(kept)
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code


@pytest.mark.parametrize("changes", [{}, {"sid": ...}, {"sub": "usr_ada"}], ids=["one session", "all of them", "both"])
def test_who_signed_out_elsewhere_is_told(person: Person, changes: dict[str, Any]) -> None:
    """A second time changes nothing; the way in is there, and leads to a session of its own."""
    changes = {"sub": person.broker.user} if "sub" in changes else changes
    assert "Hello" in person.home()
    for _ in range(2):
        assert told(person, person.broker.logout_token(**changes)) == 200
        assert OUT in person.home()
        assert "Hello" not in person.home()

    person.sign_in()
    assert "Hello" in person.home()


@pytest.mark.parametrize("changes", [{"sid": "s-2"}, {"sub": "usr_somebody"}, {"sub": "usr_somebody", "sid": ...}])
def test_other_sessions_go_on(person: Person, changes: dict[str, Any]) -> None:
    """Of this User, and of others."""
    assert told(person, person.broker.logout_token(**changes)) == 200
    assert "Hello" in person.home()


@pytest.mark.parametrize(
    "changes",
    [
        {"typ": "JWT"},
        {"typ": "at+jwt"},
        {"aud": "another"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"exp": ...},
        {"sub": ...},
        {"sid": 7},
        {"events": ...},
        {"events": {}},
        {"events": {"http://schemas.openid.net/event/backchannel-logout": None}},
        {"nonce": "n"},
    ],
    ids=repr,
)
def test_a_wrong_token_ends_nothing(person: Person, changes: dict[str, Any]) -> None:
    """Back-Channel Logout 1.0 section 2.6: 400, and nobody is signed out."""
    assert told(person, person.broker.logout_token(**changes)) == 400
    assert told(person, "") == 400
    assert "Hello" in person.home()


def test_without_keys_the_broker_is_asked_to_come_again(person: Person) -> None:
    """Nothing is known of the token then."""
    token = person.broker.logout_token()
    person.now += 86400
    person.wire.apps.clear()

    assert told(person, token) == 503
    assert "Hello" in person.home()
