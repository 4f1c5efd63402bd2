"""What an Application is told of its authorize request, and what stays with us."""

from __future__ import annotations

import pytest

from broker.domain.errors import BrokerError, Conflict, Fault, Refusal, SealBroken
from broker.domain.redirect import ResponseMode
from broker.domain.request_refused import RequestRefused, refuse, tell_application
from tests.domain.world import REDIRECT_URI, REQUEST


def test_it_goes_where_the_request_said_and_as_it_said() -> None:
    """With its state; the reason is the code, unless there is a finer one."""
    error = refuse(REQUEST, "login_required", "Sign in.", detail="for the log")

    assert (error.redirect_uri, error.state) == (REDIRECT_URI, "state-canary")
    assert error.response_mode is ResponseMode.QUERY
    assert (error.code, error.reason, error.detail) == ("login_required", "login_required", "for the log")
    assert refuse(REQUEST, "login_required", "Sign in.", reason="max_age").reason == "max_age"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Fault("provider_unavailable", "It is away.", detail="why"), "temporarily_unavailable"),
        (Refusal("upstream_denied", "It was not allowed."), "access_denied"),
        (Refusal("account_disabled", "It is off."), "access_denied"),
        (Refusal("subject_changed", "It changed."), "access_denied"),
        (Refusal("invalid_nonce", "It is wrong."), "server_error"),
        (Refusal("", "It is nameless."), "server_error"),
        (Conflict("AddUser"), "server_error"),
        (SealBroken(), "server_error"),
    ],
    ids=lambda value: value.code or "nameless" if isinstance(value, BrokerError) else value,
)
def test_what_went_wrong_on_the_trip_is_told_in_the_words_of_oauth(error: BrokerError, code: str) -> None:
    """And what really happened stays with us."""
    told = tell_application(error, REQUEST)

    assert (told.code, told.sentence) == (code, error.sentence)
    assert (told.reason, told.detail) == (error.code or code, error.detail)
    assert (told.redirect_uri, told.state) == (REDIRECT_URI, "state-canary")


def test_a_refusal_in_the_words_of_oauth_is_told_as_it_is() -> None:
    """It was meant for the Application from the start."""
    error = RequestRefused("login_required", "Sign in.", redirect_uri=REDIRECT_URI, state="s", reason="max_age")

    assert tell_application(error, REQUEST) is error
    assert error.reason == "max_age"
