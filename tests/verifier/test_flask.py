"""Flask: the guard and the decorators answer as RFC 6750 says, and hand the Session on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Blueprint, Flask

from partner_ops_verifier.flask import Bearer, current_session
from partner_ops_verifier.testing import SessionTokens
from tests.verifier.frameworks import NAMES, cases

Build = Callable[[SessionTokens], Flask]


def with_decorators(tokens: SessionTokens) -> Flask:
    app, bearer = Flask("service"), Bearer(tokens.verifier())

    @app.get("/me")
    @bearer.session
    def me() -> dict[str, str]:
        return {"user": current_session().user}

    @app.get("/reports/<client_org>")
    @bearer.right("reports:read")
    def reports(client_org: str) -> dict[str, str]:
        return {"user": current_session().user, "of": client_org}

    @app.get("/unguarded")
    def unguarded() -> str:
        with pytest.raises(LookupError):
            current_session()
        return "open"

    return app


def with_guard(tokens: SessionTokens) -> Flask:
    app = Flask("service")
    Bearer(tokens.verifier()).protect(app, open_endpoints=["unguarded"])

    @app.get("/me")
    def me() -> dict[str, str]:
        return {"user": current_session().user}

    @app.get("/reports/<client_org>")
    def reports(client_org: str) -> dict[str, str]:
        current_session().require(client_org, "reports:read")
        return {"user": current_session().user}

    @app.get("/unguarded")
    def unguarded() -> str:
        return "open"

    return app


def with_blueprint(tokens: SessionTokens) -> Flask:
    app, inner = with_decorators(tokens), Blueprint("inner", __name__, url_prefix="/inner")
    Bearer(tokens.verifier()).protect(inner)
    inner.add_url_rule("/me", view_func=lambda: {"user": current_session().user})
    app.register_blueprint(inner)
    return app


@pytest.mark.parametrize("build", [with_decorators, with_guard])
@pytest.mark.parametrize("name", NAMES)
def test_each_request_is_answered(session_tokens: SessionTokens, build: Build, name: str) -> None:
    """Let in, refused, or not permitted."""
    case = cases(session_tokens)[name]
    answer = build(session_tokens).test_client().get(case.path, headers=case.headers)

    assert answer.status_code == case.status
    assert answer.headers.get("WWW-Authenticate", "").startswith(case.challenge or "")
    assert (answer.status_code == 200) == ("user" in answer.text)


@pytest.mark.parametrize("build", [with_decorators, with_guard])
def test_when_nobody_can_tell_it_says_when_to_ask_again(session_tokens: SessionTokens, build: Build) -> None:
    """503, and no challenge."""
    session_tokens.http.down = True
    for path in ("/me", "/reports/acme"):
        headers = {"Authorization": f"Bearer {session_tokens.mint()}"}
        answer = build(session_tokens).test_client().get(path, headers=headers)

        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


@pytest.mark.parametrize("build", [with_decorators, with_guard, with_blueprint])
def test_what_is_open_stays_open(session_tokens: SessionTokens, build: Build) -> None:
    """A view that nobody guards, or that is named as open."""
    assert build(session_tokens).test_client().get("/unguarded").text == "open"


def test_a_blueprint_can_be_guarded_alone(session_tokens: SessionTokens) -> None:
    """Everything in it."""
    http = with_blueprint(session_tokens).test_client()

    assert http.get("/inner/me").status_code == 401
    headers = {"Authorization": f"Bearer {session_tokens.mint('usr_ada')}"}
    assert http.get("/inner/me", headers=headers).json == {"user": "usr_ada"}
