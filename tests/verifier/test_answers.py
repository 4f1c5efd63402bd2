"""What a service answers, and where it takes a token from: RFC 6750."""

from __future__ import annotations

import json

import pytest

from partner_ops_verifier import RightMissing, TokenRefused, VerifierUnavailable
from partner_ops_verifier.answers import bearer_token, refusal
from partner_ops_verifier.errors import REFUSALS, UNAVAILABLE


@pytest.mark.parametrize("header", ["Bearer token", "bearer token", "BEARER   token", " Bearer token "])
def test_the_token_is_what_follows_bearer(header: str) -> None:
    """The scheme does not mind case (RFC 9110 section 11.1)."""
    assert bearer_token([header]) == "token"


@pytest.mark.parametrize("headers", [[], [""], ["Bearer"], ["Bearer "], ["token"], ["Basic dTpw"], ["DPoP token"]])
def test_without_a_bearer_token_there_is_none(headers: list[str]) -> None:
    """Absent, empty, or of another scheme."""
    with pytest.raises(TokenRefused) as refused:
        bearer_token(headers)
    assert refused.value.code == "no_token"


def test_two_headers_are_refused() -> None:
    """Somebody in front may have looked at the other one."""
    with pytest.raises(TokenRefused) as refused:
        bearer_token(["Bearer one", "Bearer two"])
    assert refused.value.code == "malformed"


def test_without_a_token_the_answer_has_no_error_code() -> None:
    """RFC 6750 section 3.1: it says what is wanted."""
    answer = refusal(TokenRefused("no_token"))

    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("code", sorted(set(REFUSALS) - {"no_token"}))
def test_a_refused_token_is_invalid(code: str) -> None:
    """With a sentence; not the detail, which is for the log."""
    answer = refusal(TokenRefused(code, "detail"))
    challenge = answer.headers["WWW-Authenticate"]

    assert answer.status == 401
    assert challenge == f'Bearer error="invalid_token", error_description="{REFUSALS[code]}"'
    assert challenge.isascii()
    assert json.loads(answer.body) == {"error": "invalid_token", "error_description": REFUSALS[code]}
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("right", "scope"), [("reports:read", ', scope="reports:read"'), ('a"b', ""), ("a b", "")])
def test_a_missing_right_is_named(right: str, scope: str) -> None:
    """So far as it can be in a header."""
    answer = refusal(RightMissing("acme", right))

    assert (answer.status, answer.headers["WWW-Authenticate"]) == (403, f'Bearer error="insufficient_scope"{scope}')


@pytest.mark.parametrize("code", UNAVAILABLE)
def test_what_nobody_can_tell_is_no_fault_of_the_token(code: str) -> None:
    """503 and when to ask again; no challenge, which would make an Application throw its token away."""
    answer = refusal(VerifierUnavailable(code, "detail"))

    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert "WWW-Authenticate" not in answer.headers
    assert json.loads(answer.body)["error"] == "temporarily_unavailable"
