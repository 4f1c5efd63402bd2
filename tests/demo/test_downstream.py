"""The demo downstream service: who may read a Client's reports, and what everybody else is told."""

from __future__ import annotations

from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from broker.demo.downstream import create_downstream
from tests.demo.fake_broker import AUDIENCE, ISSUER, NOW, FakeBroker, Wire


class Service:
    """The service beside a fake broker, at a time that stands still."""

    def __init__(self) -> None:
        self.broker = FakeBroker()
        self.wire = Wire({ISSUER: self.broker.app})
        self.now = NOW
        app = create_downstream(issuer=ISSUER, audience=AUDIENCE, call=self.wire, clock=lambda: self.now)
        self.http = TestClient(app)

    def reports(self, token: str | None, client_org: str = "acme") -> Response:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return self.http.get(f"/reports/{client_org}", headers=headers)


@pytest.fixture
def service() -> Service:
    return Service()


def test_a_good_session_jwt_opens_the_reports_of_its_clients(service: Service) -> None:
    """With the rights that this Client gave, and no other's."""
    token = service.broker.session_jwt()

    acme, globex = service.reports(token), service.reports(token, "globex")

    assert acme.status_code == 200
    assert acme.headers["cache-control"] == "no-store"
    assert acme.json() == {
        "client_org": "acme",
        "user": "user-1",
        "rights": ["invoices:read", "reports:read"],
        "report": "Twelve invoices, all paid. Written for acme.",
    }
    assert globex.json()["rights"] == ["reports:read"]


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "token"])
def test_without_a_token_there_is_a_challenge_and_no_error_code(service: Service, header: str | None) -> None:
    """RFC 6750 section 3.1: no code where nothing was sent."""
    answer = service.http.get("/reports/acme", headers={} if header is None else {"Authorization": header})

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="reports"'
    assert answer.json()["error_description"] == "No session JWT was sent."


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": NOW - 31}, "It has expired."),
        ({"aud": "https://other.example"}, "It was issued for another service."),
        ({"iss": "https://other.example"}, "It was issued by somebody else."),
    ],
)
def test_a_bad_session_jwt_is_refused_with_its_reason(service: Service, changes: dict[str, Any], reason: str) -> None:
    """In words, under RFC 6750's code, and without asking the broker about it; test_signed.py has the whole list."""
    answer = service.reports(service.broker.session_jwt(**changes))

    assert answer.status_code == 401
    assert answer.json() == {
        "error": "invalid_token",
        "error_description": f"The session JWT is refused. {reason}",
    }
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert service.broker.requests["userinfo"] == 0


def test_an_id_token_opens_nothing(service: Service) -> None:
    """Same issuer, same key, right audience even, but another kind of token."""
    token = service.broker.key.sign(service.broker.session_claims(), typ="JWT")

    answer = service.reports(token)

    assert answer.status_code == 401
    assert answer.json()["error_description"] == "The session JWT is refused. It is another kind of token."


@pytest.mark.parametrize(
    "authorizations",
    [
        ...,
        None,
        {},
        [],
        "acme",
        {"acme": []},
        {"acme": None},
        {"acme": "reports:read"},
        {"acme": {"reports:read": True}},
        {"acme": ["invoices:read"]},
        {"acme": ["reports:READ", "reports:read "]},
        {"acme ": ["reports:read"]},
        {"globex": ["reports:read"]},
        {"*": ["reports:read"]},
    ],
)
def test_without_the_right_of_this_client_the_answer_is_403(service: Service, authorizations: Any) -> None:
    """Empty means nothing: absent, empty, misshapen, or another Client's."""
    answer = service.reports(service.broker.session_jwt(authorizations=authorizations))

    assert answer.status_code == 403
    assert answer.json() == {
        "error": "insufficient_scope",
        "error_description": "This Client has not given the User the right reports:read.",
    }
    assert 'scope="reports:read"' in answer.headers["www-authenticate"]


def test_a_reference_to_authorizations_is_not_followed(service: Service) -> None:
    """The demo does not fetch them; it says what to ask for."""
    token = service.broker.session_jwt(authorizations=..., authorizations_ref={"url": "https://x.example"})

    answer = service.reports(token)

    assert answer.status_code == 403
    assert "ask for one organization" in answer.json()["error_description"]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"error": "invalid_token"}),
        (403, {"error": "insufficient_scope"}),
        (200, {"sub": "somebody-else"}),
        (200, {}),
    ],
)
def test_a_session_that_is_over_is_refused_at_once(service: Service, status: int, body: dict[str, str]) -> None:
    """Though the JWT is still valid: the broker is asked each time."""
    token = service.broker.session_jwt()
    assert service.reports(token).status_code == 200

    service.broker.userinfo_status, service.broker.userinfo = status, body
    answer = service.reports(token)

    assert answer.status_code == 401
    assert answer.json() == {
        "error": "invalid_token",
        "error_description": "The broker says that this session is over: signed out, disconnected or withdrawn.",
    }


@pytest.mark.parametrize("status", [302, 404, 429, 500, 503])
def test_a_broker_that_cannot_answer_closes_the_service(service: Service, status: int) -> None:
    """Fail closed, and say that it is for a while."""
    service.broker.userinfo_status = status

    answer = service.reports(service.broker.session_jwt())

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["error"] == "temporarily_unavailable"


@pytest.mark.parametrize("body", [["sub"], "sub", None])
def test_a_broker_that_answers_nonsense_closes_the_service(service: Service, body: Any) -> None:
    """What is not an object says nothing about a session."""
    service.broker.userinfo = body

    assert service.reports(service.broker.session_jwt()).status_code == 503


def test_an_unreachable_broker_closes_the_service(service: Service) -> None:
    """Before the keys are known, and after."""
    token = service.broker.session_jwt()
    service.wire.down.add(ISSUER)
    before = service.reports(token)
    service.wire.down.clear()
    assert service.reports(token).status_code == 200
    service.wire.down.add(ISSUER)
    after = service.reports(token)

    assert [before.status_code, after.status_code] == [503, 503]
    assert before.json()["error_description"] == "The broker's keys cannot be fetched now."
    assert after.json()["error_description"] == "The broker cannot be asked now."


def test_another_right_can_be_demanded() -> None:
    """The service's owner says which."""
    broker = FakeBroker()
    app = create_downstream(
        issuer=ISSUER,
        audience=AUDIENCE,
        right="invoices:read",
        call=Wire({ISSUER: broker.app}),
        clock=lambda: NOW,
    )
    bearer = {"Authorization": f"Bearer {broker.session_jwt()}"}
    http = TestClient(app)

    assert http.get("/reports/acme", headers=bearer).status_code == 200
    assert http.get("/reports/globex", headers=bearer).status_code == 403
