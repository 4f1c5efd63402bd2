"""The demo Application as a person meets it: signing in, seeing the session JWT, calling the service, signing out."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from broker.demo.application.sessions import COOKIE
from tests.demo.application.person import OWN, SERVICE, Person
from tests.demo.fake_broker import APPLICATION, ISSUER


@pytest.fixture
def person() -> Person:
    return Person()


def test_before_signing_in_there_is_one_button(person: Person) -> None:
    """And two choices beside it."""
    answer = person.browser.get("/")

    assert "Sign in with Partner Ops</a>" in answer.text
    assert "Only for globex" in answer.text
    assert "set-cookie" not in answer.headers


def test_pages_are_locked_down(person: Person) -> None:
    """No scripts, no frames, no cache; forms go home or, for signing out, to the broker."""
    headers = person.browser.get("/").headers

    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self'; ")
    assert f"form-action 'self' {ISSUER};" in policy
    assert "unsafe" not in policy
    assert (headers["cache-control"], headers["referrer-policy"]) == ("no-store", "no-referrer")


def test_after_signing_in_the_session_jwt_and_the_answers_are_shown(person: Person) -> None:
    """Every claim with its meaning, and the service's answer for each Client."""
    answer = person.sign_in()
    page = person.home()

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "<h1>Hello, ada@acme.example</h1>" in page
    for name in person.broker.session_claims():
        assert f"<code>{name}</code>" in page
    assert "This is what a downstream service decides by." in page
    assert '<th scope="row">globex</th>' in page
    assert page.count("Allowed</span>") == 2
    assert "Twelve invoices, all paid. Written for acme." in page


def test_a_client_without_the_right_is_shown_as_refused(person: Person) -> None:
    """With the service's reason and status."""
    person.broker.authorizations = {"globex": ["reports:read"]}

    person.sign_in()
    page = person.home()

    assert page.count("Allowed</span>") == 1
    assert page.count("Refused</span>") == 1
    assert "This Client has not given the User the right reports:read." in page
    assert "Status 403" in page


def test_calling_again_after_a_revocation_shows_the_refusal(person: Person) -> None:
    """The JWT is the same, the session behind it is over."""
    person.sign_in()
    person.broker.userinfo_status, person.broker.userinfo = 401, {"error": "invalid_token"}

    answer = person.browser.post("/call-again")
    page = person.home()

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert page.count("Refused</span>") == 2
    assert "The broker says that this session is over: signed out, disconnected or withdrawn." in page


def test_calling_again_after_the_end_of_the_jwt_shows_the_refusal(person: Person) -> None:
    """Five minutes and the tolerance later."""
    person.sign_in()
    person.now += 331

    person.browser.post("/call-again")

    assert "It has expired." in person.home()


def test_a_service_that_is_down_is_said_to_be(person: Person) -> None:
    """And signing in works all the same."""
    person.wire.down.add(SERVICE)

    person.sign_in()

    assert "The service does not answer." in person.home()


def test_calling_again_without_being_signed_in_changes_nothing(person: Person) -> None:
    """There is nothing to call with."""
    assert person.browser.post("/call-again").headers["location"] == "/"
    assert "Sign in with Partner Ops</a>" in person.home()


def test_what_the_broker_says_is_escaped(person: Person) -> None:
    """Claims are text, whoever wrote them."""
    person.broker.identity = {"name": "<script>alert(1)</script>"}
    person.broker.authorizations = {"<b>acme</b>": ["<i>reports:read</i>"]}

    person.sign_in()

    assert "&lt;script&gt;" in person.home()
    for tag in ("<script", "<b>", "<i>"):
        assert tag not in person.home()


def test_the_cookie_is_opaque_and_out_of_reach(person: Person) -> None:
    """HttpOnly, SameSite, a name that nobody else on localhost uses, and new at sign-in."""
    away = person.browser.get("/sign-in")
    before = person.browser.cookies[COOKIE]
    back = person.at_broker.get(away.headers["location"]).headers["location"]
    answer = person.browser.get(back)

    cookie = answer.headers["set-cookie"]
    assert COOKIE == "demo_app"
    assert all(part in cookie for part in ("HttpOnly", "SameSite=lax", "Secure", "Path=/"))
    assert person.browser.cookies[COOKIE] != before
    person.browser.cookies.set(COOKIE, before, domain="app.example")
    assert "Sign in with Partner Ops</a>" in person.home()


def test_signing_out_ends_the_session_here_and_leads_to_the_broker(person: Person) -> None:
    """RP-initiated logout, with the hint and the way back."""
    person.sign_in()

    answer = person.browser.post("/sign-out")
    target = urlsplit(answer.headers["location"])
    sent = {name: values[0] for name, values in parse_qs(target.query).items()}

    assert answer.status_code == 303
    assert f"{target.scheme}://{target.netloc}{target.path}" == f"{ISSUER}/oauth/end-session"
    assert (sent["post_logout_redirect_uri"], sent["client_id"]) == (f"{OWN}/", APPLICATION)
    assert len(sent["id_token_hint"].split(".")) == 3
    assert "Sign in with Partner Ops</a>" in person.home()


def test_signing_out_works_when_the_broker_does_not(person: Person) -> None:
    """The session here ends in any case."""
    person.sign_in()
    person.now += 301
    person.wire.down.add(ISSUER)

    assert person.browser.post("/sign-out").headers["location"] == "/"
    assert "Sign in with Partner Ops</a>" in person.home()


@pytest.mark.parametrize("path", ["/sign-out", "/call-again"])
def test_another_site_cannot_press_the_buttons(person: Person, path: str) -> None:
    """Only the Application's own forms count."""
    person.sign_in()

    answer = person.browser.post(path, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 400
    assert "Hello" in person.home()


def test_the_service_can_be_carried_along(person: Person) -> None:
    """Mounted under /service."""
    bearer = {"Authorization": f"Bearer {person.broker.session_jwt()}"}

    assert person.browser.get("/service/reports/acme", headers=bearer).status_code == 200


@pytest.mark.parametrize(("path", "kind"), [("/style.css", "text/css"), ("/icon.svg", "image/svg+xml")])
def test_its_looks_are_its_own(person: Person, path: str, kind: str) -> None:
    """Served from here."""
    assert person.browser.get(path).headers["content-type"].startswith(kind)
