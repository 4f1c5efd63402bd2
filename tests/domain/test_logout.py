"""What an Application is told when a Session ends (OpenID Connect Back-Channel Logout 1.0 section 2.4)."""

from __future__ import annotations

import pytest

from broker.domain.application import backchannel_logout_problem
from broker.domain.ids import ApplicationId, SessionId
from broker.domain.logout import LogoutResult, PendingLogout, logout_claims
from tests.domain.world import ADA, NOW


@pytest.mark.parametrize(("session_id", "more"), [(SessionId("ses_1"), {"sid": "ses_1"}), (None, {})])
def test_a_logout_token_says_who_and_which_session(session_id: SessionId | None, more: dict[str, str]) -> None:
    """And that it is one; there is no nonce, and without a Session no `sid`."""
    pending = PendingLogout(
        about="x",
        application_id=ApplicationId("demo-app"),
        user_id=ADA,
        session_id=session_id,
        tries=0,
        next_try_at=NOW,
        created_at=NOW,
        result=LogoutResult.PENDING,
    )

    assert logout_claims(pending, issuer="https://id.example", jti="lgt_1", now=NOW + 5) == more | {
        "iss": "https://id.example",
        "sub": ADA,
        "aud": "demo-app",
        "iat": NOW + 5,
        "exp": NOW + 125,
        "jti": "lgt_1",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }


@pytest.mark.parametrize(
    "uri",
    ["https://app.example/out", "https://app.example", "https://app.example/out?a=b/../c", "http://127.0.0.1:8002/out"],
)
def test_where_an_application_can_be_told(uri: str) -> None:
    """https anywhere, http on this machine; with a query (section 2.2)."""
    assert backchannel_logout_problem(uri) is None


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("https://app.example/out#x", "fragment"),
        ("http://app.example/out", "must be https"),
        ("com.example.app:/out", "must be an https URL"),
        ("https://u@app.example/out", "user name"),
        ("https://App.example/out", "lower case"),
        ("https://app.example/a/../out", ". or .."),
        ("https:///out", "no host"),
        ("https://app.example/ü", "visible ASCII"),
    ],
)
def test_where_it_cannot(uri: str, problem: str) -> None:
    """Two parsers could read it in two ways, or the broker would not call it."""
    assert problem in (backchannel_logout_problem(uri) or "")
