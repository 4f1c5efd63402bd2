"""Telling Providers that it is over: each in its own way, and never with an exception."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from broker.domain.connection import UpstreamTokens
from broker.domain.ids import RegistrationId
from broker.domain.outbox import RevocationResult
from tests.fakes.providers.github import FakeGitHub
from tests.fakes.providers.google_like import FakeGoogle
from tests.fakes.providers.microsoft import FakeEntra
from tests.fakes.providers.oidc import FakeOpenIdProvider
from tests.fakes.providers.provider import Json
from tests.fakes.providers.trip import WORK, Trip, trip_to

pytestmark = pytest.mark.anyio

TOKENS = UpstreamTokens(access_token="access", refresh_token="refresh", expires_at=None)


@pytest.fixture
async def trip() -> AsyncIterator[Trip[FakeOpenIdProvider]]:
    async with trip_to(FakeOpenIdProvider) as made:
        yield made


def asked(trip: Trip[Any]) -> list[tuple[str, str]]:
    return [(a.form["token_type_hint"], a.form["token"]) for a in trip.fake.asked if "token_type_hint" in a.form]


async def test_every_token_is_ended_where_one_revocation_ends_one(trip: Trip[FakeOpenIdProvider]) -> None:
    """The lasting one first (RFC 7009 section 2.1)."""
    assert await trip.gateway.revoke(WORK, TOKENS) is RevocationResult.REVOKED
    assert asked(trip) == [("refresh_token", "refresh"), ("access_token", "access")]


async def test_a_token_alone_is_ended_alone(trip: Trip[FakeOpenIdProvider]) -> None:
    """Where no refresh token was ever given."""
    tokens = UpstreamTokens(access_token="access", refresh_token=None, expires_at=None)

    assert await trip.gateway.revoke(WORK, tokens) is RevocationResult.REVOKED
    assert asked(trip) == [("access_token", "access")]


async def test_one_token_is_enough_for_google() -> None:
    """Any of them ends the whole grant; the access token is long dead when somebody revokes."""
    async with trip_to(FakeGoogle) as trip:
        tokens = (await trip.sign_in()).tokens
        assert await trip.gateway.revoke(WORK, tokens) is RevocationResult.REVOKED
        assert asked(trip) == [("refresh_token", tokens.refresh_token)]
        assert trip.fake.living == {}

        assert await trip.gateway.revoke(WORK, tokens) is RevocationResult.ALREADY_DEAD


@pytest.mark.parametrize(
    ("status", "body", "result"),
    [
        (200, {}, RevocationResult.REVOKED),
        (400, {"error": "invalid_token"}, RevocationResult.ALREADY_DEAD),
        (400, {"error": "unsupported_token_type"}, RevocationResult.UNSUPPORTED),
        (400, {"error": "invalid_request"}, RevocationResult.PENDING),
        (401, {"error": "invalid_client"}, RevocationResult.PENDING),
        (400, {}, RevocationResult.PENDING),
        (404, {}, RevocationResult.PENDING),
        (302, {}, RevocationResult.PENDING),
        (429, {"error": "invalid_token"}, RevocationResult.PENDING),
        (503, {"error": "invalid_token"}, RevocationResult.PENDING),
    ],
    ids=repr,
)
async def test_answers_are_told_apart(
    trip: Trip[FakeOpenIdProvider], status: int, body: Json, result: RevocationResult
) -> None:
    """What may still succeed is tried again."""

    async def endpoint(_: Request) -> Response:
        return JSONResponse(body, status)

    trip.fake.instead["revocation"] = endpoint

    assert await trip.gateway.revoke(WORK, TOKENS) is result


@pytest.mark.parametrize(
    ("refresh", "access", "result"),
    [
        (None, "unsupported_token_type", RevocationResult.REVOKED),
        (None, "temporarily_unavailable", RevocationResult.PENDING),
        ("invalid_token", None, RevocationResult.REVOKED),
        ("invalid_token", "unsupported_token_type", RevocationResult.ALREADY_DEAD),
    ],
    ids=repr,
)
async def test_two_answers_come_to_one(
    trip: Trip[FakeOpenIdProvider], refresh: str | None, access: str | None, result: RevocationResult
) -> None:
    """Pending while one is; done when the lasting token is."""

    async def endpoint(_: Request) -> Response:
        error = refresh if trip.fake.asked[-1].form["token_type_hint"] == "refresh_token" else access
        return Response() if error is None else JSONResponse({"error": error}, 400)

    trip.fake.instead["revocation"] = endpoint

    assert await trip.gateway.revoke(WORK, TOKENS) is result


async def test_a_provider_without_the_endpoint_cannot_be_told(trip: Trip[FakeOpenIdProvider]) -> None:
    """It is a matter of its metadata."""
    trip.fake.bend_metadata = lambda document: {n: v for n, v in document.items() if n != "revocation_endpoint"}

    assert await trip.gateway.revoke(WORK, TOKENS) is RevocationResult.UNSUPPORTED


async def test_microsoft_is_not_even_asked() -> None:
    """There is nothing to ask."""
    async with trip_to(FakeEntra) as trip:
        assert await trip.gateway.revoke(WORK, TOKENS) is RevocationResult.UNSUPPORTED
        assert not trip.fake.requests


async def test_a_provider_that_is_away_is_told_later(trip: Trip[FakeOpenIdProvider]) -> None:
    """Also when its metadata cannot be had."""

    async def ill(_: Request) -> Response:
        return JSONResponse({}, 500)

    trip.fake.instead["discovery"] = ill

    assert await trip.gateway.revoke(WORK, TOKENS) is RevocationResult.PENDING


async def test_a_registration_that_is_gone_may_come_back(trip: Trip[FakeOpenIdProvider]) -> None:
    """A slip in the settings does not lose a revocation."""
    assert await trip.gateway.revoke(RegistrationId("gone"), TOKENS) is RevocationResult.PENDING


async def test_github_ends_the_grant_of_this_application() -> None:
    """DELETE with Basic authentication and the token in a JSON body."""
    async with trip_to(FakeGitHub) as trip:
        tokens = (await trip.sign_in("email")).tokens
        assert await trip.gateway.revoke(WORK, tokens) is RevocationResult.REVOKED

        request = trip.fake.asked[-1]
        assert (request.method, request.path) == ("DELETE", "/api/v3/applications/partner-ops-at-provider/grant")
        assert json.loads(request.body) == {"access_token": tokens.access_token}
        scheme, _, proof = request.headers["authorization"].partition(" ")
        assert scheme == "Basic"
        assert base64.b64decode(proof).decode().startswith("partner-ops-at-provider:")


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (204, RevocationResult.REVOKED),
        (404, RevocationResult.ALREADY_DEAD),
        (422, RevocationResult.ALREADY_DEAD),
        (200, RevocationResult.PENDING),
        (401, RevocationResult.PENDING),
        (403, RevocationResult.PENDING),
        (500, RevocationResult.PENDING),
    ],
)
async def test_githubs_answers_are_told_apart(status: int, result: RevocationResult) -> None:
    """By status: there is no body."""

    async def endpoint(_: Request) -> Response:
        return Response(status_code=status)

    async with trip_to(FakeGitHub) as trip:
        trip.fake.instead["revocation"] = endpoint

        assert await trip.gateway.revoke(WORK, TOKENS) is result
