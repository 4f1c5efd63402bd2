"""What is said when something went wrong, and after a deed."""

from __future__ import annotations

import pytest

from broker.web.pages import outcomes, problems
from broker.web.pages.parts import Link, Reach
from broker.web.pages.shell import Links, Shell
from broker.web.pages.views import ErrorView

SHELL = Shell(request_id="r", now=0, links=Links(prefix="/id"))

EVERY_PROBLEM = [
    problems.attempt_expired(SHELL, status=400),
    problems.attempt_elsewhere(SHELL, status=400),
    problems.attempt_used(SHELL, status=400),
    problems.declined(SHELL, status=400, provider_name="Google"),
    problems.not_connected(SHELL, status=400, provider_name="Google"),
    problems.somebody_elses(SHELL, status=403, provider_name="Google"),
    problems.provider_down(SHELL, status=502, provider_name="Google"),
    problems.link_broken(SHELL, status=400),
    problems.not_found(SHELL, status=404),
    problems.too_many(SHELL, status=429, wait_seconds=1),
    problems.our_side(SHELL, status=500),
]


@pytest.mark.parametrize("view", EVERY_PROBLEM, ids=lambda view: view.title)
def test_a_problem_says_what_happened_and_what_to_do(view: ErrorView) -> None:
    """In sentences, and in titles which are not codes."""
    assert view.happened.endswith(".")
    assert view.to_do.endswith(".")
    assert not view.title.endswith(".")
    assert not any(character.isdigit() for character in view.title + view.happened)


def test_what_can_be_begun_anew_leads_there() -> None:
    """To the sign-in page, or to where the caller says that it began."""
    usual = problems.attempt_expired(SHELL, status=400).action
    given = problems.declined(SHELL, status=400, provider_name="Google", again="/oauth/authorize?x=1").action

    assert usual is not None
    assert (usual.label, usual.href) == ("Start again", "/id/sign-in")
    assert given is not None
    assert given.href == "/oauth/authorize?x=1"


def test_what_was_not_connected_leads_back_to_what_is() -> None:
    """Whoever was connecting is signed in still: the sign-in page would be the wrong way."""
    for problem in (problems.not_connected, problems.somebody_elses):
        action = problem(SHELL, status=400, provider_name="Google").action
        assert action is not None
        assert action.href == "/id/account/connections"


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "a minute"), (1, "a minute"), (60, "a minute"), (61, "2 minutes"), (3600, "60 minutes")]
)
def test_a_wait_is_rounded_up_to_minutes(seconds: int, said: str) -> None:
    """Nobody comes back too early."""
    assert problems.too_many(SHELL, status=429, wait_seconds=seconds).to_do == f"Wait {said}, then try again."


@pytest.mark.parametrize(
    ("reach", "tone", "said"),
    [
        ("told", "good", "Google has been told"),
        ("pending", "warn", "could not be reached yet; we keep trying"),
        ("local", "warn", "remove Partner Ops there too"),
        ("elsewhere", "good", "Google had ended this already"),
        ("untold", "warn", "could not be told, so remove Partner Ops there too"),
    ],
)
def test_an_end_claims_no_more_than_was_done(reach: Reach, tone: str, said: str) -> None:
    """Who was not told yet is not said to have been."""
    notice = outcomes.disconnected("Google", reach)

    assert notice.tone == tone
    assert said in notice.text


@pytest.mark.parametrize(
    ("reach", "tone", "said"),
    [
        ("told", "good", "Google has been told."),
        ("pending", "warn", "Google could not be reached yet; we keep trying."),
        ("local", "warn", "Google offers no way to be told, so remove Partner Ops there too."),
        ("elsewhere", "good", "Google had ended it already."),
        ("untold", "warn", "Google could not be told, so remove Partner Ops there too."),
    ],
)
def test_what_is_taken_back_tells_what_ended_with_it(reach: Reach, tone: str, said: str) -> None:
    """And where one can see to it oneself, if that is left to do."""
    settings = Link(label="See your permissions at Google", href="https://myaccount.google.com/connections")
    notice = outcomes.taken_back("name", [("Google", reach, settings)])

    assert notice.text == f"Taken back. We have deleted your name here. Our access at Google ended too. {said}"
    assert (notice.tone, notice.link) == (tone, settings if tone == "warn" else None)


def test_other_outcomes_are_sentences_too() -> None:
    """Each says what changed, or that nothing did."""
    assert outcomes.connected("Google").tone == "good"
    assert outcomes.session_ended().text.startswith("That browser has been signed out.")
    assert outcomes.other_sessions_ended(0).text == "There was no other session to end."
    assert outcomes.other_sessions_ended(1).text.startswith("One other browser has")
