"""How Applications are told: one guarded POST, and what its answer means (Back-Channel Logout 1.0 section 2.8)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_network
from urllib.parse import parse_qs

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from broker.domain.logout import LogoutResult
from broker.upstream.applications import ApplicationEndpoints
from broker.upstream.http import Transport
from tests.servers.asgi import serving
from tests.servers.port import reserve

pytestmark = pytest.mark.anyio

LOOPBACK = (ip_network("127.0.0.0/8"),)


@contextmanager
def application(*answers: Response) -> Iterator[tuple[str, list[Request]]]:
    """Its URL, and what it was sent; it gives these answers in turn."""
    asked: list[Request] = []

    async def logout(request: Request) -> Response:
        await request.body()
        asked.append(request)
        return answers[len(asked) - 1]

    with serving(Starlette(routes=[Route("/logout", logout, methods=["POST"])])) as url:
        yield f"{url}/logout", asked


async def told(url: str, times: int = 1, allowed: Sequence[object] = LOOPBACK) -> list[LogoutResult]:
    """What came of it."""
    transport = Transport(allow_private_addresses=allowed)  # type: ignore[arg-type]
    try:
        return [await ApplicationEndpoints(transport).tell_logout(url, "a.b.c") for _ in range(times)]
    finally:
        await transport.close()


async def test_what_an_answer_means() -> None:
    """2xx: accepted; 400: refused for good; a redirect, which is not followed, or anything else: try again."""
    statuses = [200, 204, 202, 400, 302, 401, 404, 429, 500, 503]
    answers = [Response(status_code=s, headers={"Location": "http://169.254.169.254/"}) for s in statuses]
    with application(*answers) as (url, asked):
        results = await told(url, len(statuses))

    assert results == [
        *[LogoutResult.DELIVERED] * 3,
        LogoutResult.REFUSED,
        *[LogoutResult.PENDING] * 6,
    ]
    assert len(asked) == len(statuses)


async def test_it_is_a_form_with_the_logout_token() -> None:
    """Section 2.5, and nothing beside it."""
    with application(Response()) as (url, asked):
        await told(url)

    assert asked[0].headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qs((await asked[0].body()).decode()) == {"logout_token": ["a.b.c"]}
    assert "cookie" not in asked[0].headers and "authorization" not in asked[0].headers


async def test_addresses_that_nobody_allowed_are_not_called() -> None:
    """Nor what is no URL over TLS; nobody there is a try, too."""
    with application(Response()) as (url, asked):
        assert await told(url, allowed=()) == [LogoutResult.PENDING]
        assert asked == []
    place = reserve()
    nobody = f"{place.url}/logout"
    place.socket.close()
    for url in (nobody, "http://169.254.169.254/latest", "http://app.example/logout"):
        assert await told(url) == [LogoutResult.PENDING]
