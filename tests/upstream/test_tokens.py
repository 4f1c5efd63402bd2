"""The token endpoint's answers, right and wrong, in every shape that Providers have been seen to send."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from broker.domain.errors import BrokerError, Fault, Refusal
from broker.upstream.http import Answer
from broker.upstream.tokens import authenticated, document_in, error_in
from providers import PROVIDERS
from providers.spec import Authentication
from tests.fakes.providers.google_like import FakeGoogle
from tests.fakes.providers.microsoft import FakeEntra
from tests.fakes.providers.oidc import FakeOpenIdProvider
from tests.fakes.providers.provider import Enrolled, FakeProvider, Json
from tests.fakes.providers.trip import Trip, trip_to
from tests.upstream.leaks import told_by

pytestmark = pytest.mark.anyio


@pytest.fixture
async def trip() -> AsyncIterator[Trip[FakeOpenIdProvider]]:
    async with trip_to(FakeOpenIdProvider) as made:
        yield made


def answers(trip: Trip[FakeOpenIdProvider], status: int, body: Json, **headers: str) -> None:
    async def endpoint(_: Request) -> Response:
        return JSONResponse(body, status, headers)

    trip.fake.instead["token"] = endpoint


@pytest.mark.parametrize("status", [200, 400, 401, 403])
@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        ("invalid_grant", Refusal, "upstream_error"),
        ("invalid_request", Refusal, "upstream_error"),
        ("canary_of_the_provider", Refusal, "upstream_error"),
        ("invalid_client", Fault, "provider_misconfigured"),
        ("unauthorized_client", Fault, "provider_misconfigured"),
        ("unsupported_grant_type", Fault, "provider_misconfigured"),
        ("temporarily_unavailable", Fault, "provider_unavailable"),
    ],
)
async def test_an_error_is_an_error_whatever_its_status(
    trip: Trip[FakeOpenIdProvider], status: int, error: str, kind: type[BrokerError], code: str
) -> None:
    """GitHub and Slack say errors with 200, Atlassian says invalid_grant with 403."""
    answers(trip, status, {"error": error, "error_description": "canary", "access_token": "a", "token_type": "Bearer"})

    with pytest.raises(kind) as raised:
        await trip.sign_in("email")

    assert raised.value.code == code
    assert "canary" not in told_by(raised.value)
    assert trip.fake.requests["token"] == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_a_provider_that_is_busy_says_when_to_come_back(trip: Trip[FakeOpenIdProvider], status: int) -> None:
    """Its wait is handed on; the code is not sent again."""
    answers(trip, status, {"error": "invalid_grant"}, **{"Retry-After": "30"})

    with pytest.raises(Fault) as raised:
        await trip.sign_in("email")

    assert (raised.value.code, raised.value.retry_after) == ("provider_unavailable", 30)
    assert trip.fake.requests["token"] == 1


@pytest.mark.parametrize("name", ["access_token", "refresh_token", "token_type"])
@pytest.mark.parametrize("value", ["", 1, ["a"], "a\r\nX-Evil: 1", "a b", "é", True, {}], ids=repr)
async def test_a_malformed_member_is_a_fault(trip: Trip[FakeOpenIdProvider], name: str, value: object) -> None:
    """Above all one that would break out of a header."""
    trip.fake.bend_answer = lambda answer: answer | {name: value}

    with pytest.raises(Fault) as raised:
        await trip.sign_in("email")

    assert raised.value.code == "provider_unavailable"


@pytest.mark.parametrize("name", ["access_token", "token_type"])
async def test_a_missing_member_is_a_fault(trip: Trip[FakeOpenIdProvider], name: str) -> None:
    """Both are required (RFC 6749 section 5.1)."""
    trip.fake.bend_answer = lambda answer: {n: v for n, v in answer.items() if n != name}

    with pytest.raises(Fault):
        await trip.sign_in("email")


@pytest.mark.parametrize("kind", ["Bearer", "bearer", "BEARER"])
async def test_a_bearer_token_knows_no_case(trip: Trip[FakeOpenIdProvider], kind: str) -> None:
    """RFC 6749 section 7.1; and no refresh token is no error."""
    trip.fake.bend_answer = lambda answer: (
        {n: v for n, v in answer.items() if n != "refresh_token"} | {"token_type": kind}
    )

    assert (await trip.sign_in("email")).tokens.refresh_token is None


@pytest.mark.parametrize(
    ("expires_in", "end"),
    [
        (3600, 3600),
        ("3600", 3600),
        (0, 0),
        (None, None),
        ("", None),
        (-1, None),
        ("-1", None),
        (3600.5, None),
        (True, None),
        ("soon", None),
        ("²", None),
        (10**30, None),
        ("9" * 30, None),
        ([], None),
    ],
    ids=repr,
)
async def test_the_end_of_a_token_is_a_moment(
    trip: Trip[FakeOpenIdProvider], expires_in: object, end: int | None
) -> None:
    """Seconds from now, as a number or a string; anything else is not known."""
    trip.fake.bend_answer = lambda answer: answer | {"expires_in": expires_in}

    expires_at = (await trip.sign_in("email")).tokens.expires_at

    assert expires_at == (None if end is None else trip.clock.now() + end)


@pytest.mark.parametrize(
    ("scope", "granted"),
    [
        ("openid email", ["email", "openid"]),
        ("  openid   email  ", ["email", "openid"]),
        ("openid email something:else", ["email", "openid", "something:else"]),
        ("", []),
        (None, ["email", "openid"]),
        (1, ["email", "openid"]),
        (["openid"], ["email", "openid"]),
    ],
    ids=repr,
)
async def test_granted_scopes_are_read_with_care(
    trip: Trip[FakeOpenIdProvider], scope: object, granted: list[str]
) -> None:
    """Empty means nothing was granted; not said means as asked for."""
    trip.fake.bend_answer = lambda answer: answer | {"scope": scope}

    assert sorted((await trip.sign_in("email")).granted_scopes) == granted


async def test_googles_long_scope_names_are_ours_again() -> None:
    """Otherwise nobody would notice that a scope was unticked."""
    async with trip_to(FakeGoogle) as trip:
        trip.fake.declined = {"profile"}
        verified = await trip.sign_in("email", "name")

        assert verified.granted_scopes == {"openid", "email"}
        assert "name" not in verified.profile


@pytest.mark.parametrize(
    ("kind", "supported", "way"),
    [
        (FakeOpenIdProvider, None, "basic"),
        (FakeOpenIdProvider, ["client_secret_post"], "post"),
        (FakeGoogle, ["client_secret_post", "client_secret_basic"], "post"),
        (FakeGoogle, ["client_secret_basic"], "basic"),
        (FakeEntra, ["client_secret_post"], "post"),
    ],
    ids=["oidc", "oidc-post", "google", "google-basic", "microsoft"],
)
@pytest.mark.parametrize("secret", ["plain", "a~b+c/d=e:f%g&h i", "é"])
async def test_a_registration_proves_itself(
    kind: type[FakeOpenIdProvider], supported: list[str] | None, way: str, secret: str
) -> None:
    """By one way, with any secret; never by both ways at once (RFC 6749 section 2.3)."""
    async with trip_to(kind, enrolled=Enrolled(secret=secret)) as trip:
        trip.fake.bend_metadata = lambda document: document | {"token_endpoint_auth_methods_supported": supported}
        await trip.sign_in("email")

        asked = next(asked for asked in trip.fake.asked if "code" in asked.form)
        assert ("authorization" in asked.headers) == (way == "basic")
        assert ("client_secret" in asked.form) == (way == "post")


async def test_a_code_is_sent_with_what_it_is_bound_to(trip: Trip[FakeOpenIdProvider]) -> None:
    """Verifier and redirect URI, and nothing else but the code."""
    await trip.sign_in("email")
    asked = next(asked for asked in trip.fake.asked if "code" in asked.form)

    assert asked.form.keys() == {"grant_type", "code", "redirect_uri", "code_verifier"}
    assert asked.headers["accept"] == "application/json"
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"


def said(status: int, body: bytes = b"") -> Answer:
    return Answer(status=status, media_type="application/json", body=body, retry_after=5)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, b"{}", None),
        (200, b"", None),
        (200, b'{"error":"invalid_grant"}', "invalid_grant"),
        (200, b'{"error":""}', None),
        (200, b'{"error":{"code":1}}', None),
        (400, b'{"error":"invalid_token"}', "invalid_token"),
        (400, b'{"error":"never_heard_of"}', "other"),
        (400, b"<html>", "other"),
        (400, b"{}", "other"),
        (302, b"", "other"),
        (201, b"{}", "other"),
        (429, b'{"error":"invalid_grant"}', "server_error"),
        (500, b'{"error":"invalid_grant"}', "server_error"),
    ],
    ids=repr,
)
def test_errors_are_of_a_closed_list(status: int, body: bytes, error: str | None) -> None:
    """Nothing else of what a Provider writes goes anywhere."""
    answer = said(status, body)

    assert error_in(PROVIDERS["oidc"], answer, document_in(answer)) == error


async def test_a_secret_is_form_encoded_inside_basic(trip: Trip[FakeProvider]) -> None:
    """RFC 6749 section 2.3.1: a colon or a percent sign would be read wrongly otherwise."""
    headers, body = authenticated(trip.registration, Authentication.BASIC, "a=b")

    assert headers["Authorization"].startswith("Basic ")
    assert ":" not in headers["Authorization"]
    assert body == "a=b"
    assert trip.registration.secret not in body
