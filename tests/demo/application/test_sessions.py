"""The demo Application's memory of browsers: bounded, and each attempt usable once."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from broker.demo.application.sessions import COOKIE, Attempt, Browsers, BrowserSession


def attempt(state: str) -> Attempt:
    return Attempt(state=state, nonce="n", verifier="v", started_at=1000)


def test_an_eleventh_attempt_costs_the_oldest() -> None:
    """Ten tabs are enough."""
    session = BrowserSession()
    for number in range(11):
        session.begin(attempt(str(number)))

    assert session.take("0", 1000) is None
    assert session.take("1", 1000)
    assert session.take("10", 1000)


def test_an_attempt_is_taken_once() -> None:
    """Whatever comes of it."""
    session = BrowserSession()
    session.begin(attempt("s"))

    assert session.take("s", 1000)
    assert session.take("s", 1000) is None


def test_an_attempt_hides_its_secrets() -> None:
    """In logs and tracebacks."""
    shown = repr(Attempt(state="state-1", nonce="nonce-1", verifier="verifier-1", started_at=1000))

    assert "1'" not in shown


def test_browsers_are_bounded() -> None:
    """The oldest goes, so that visitors cannot fill the memory."""
    browsers = Browsers(secure=False)
    answers = [Response() for _ in range(1001)]
    for answer in answers:
        browsers.open(answer, BrowserSession())

    found = [browsers.find(_request(answer)) is not None for answer in (answers[0], answers[1], answers[-1])]
    assert found == [False, True, True]


def _request(answer: Response) -> Request:
    cookie = answer.headers["set-cookie"].partition(";")[0]
    assert cookie.startswith(f"{COOKIE}=")
    return Request({"type": "http", "headers": [(b"cookie", cookie.encode())]})
