"""ASGI applications behind the real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from tests.servers.asgi import serving
from tests.servers.port import reserve
from tests.servers.process import NotReady


async def _greet(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"hello from {request.url.netloc}")


def test_an_application_answers_over_http_until_it_is_left() -> None:
    """The yielded URL works inside the block and no longer after it."""
    with serving(Starlette(routes=[Route("/", _greet)])) as url:
        assert httpx2.get(url).text == f"hello from {url.removeprefix('http://')}"

    with pytest.raises(httpx2.ConnectError):
        httpx2.get(url)


def test_an_application_can_know_its_url_before_it_is_built() -> None:
    """An issuer is part of an application's settings."""
    place = reserve("localhost")

    with serving(Starlette(routes=[Route("/", _greet)]), place) as url:
        assert url == place.url
        assert httpx2.get(url).text == f"hello from localhost:{place.port}"


def test_start_and_shutdown_of_the_application_are_run() -> None:
    """An application with a lifespan has begun before the first request and is closed afterwards."""
    said: list[str] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        said.append("begun")
        yield
        said.append("closed")

    with serving(Starlette(lifespan=lifespan)):
        assert said == ["begun"]

    assert said == ["begun", "closed"]


def test_an_application_that_cannot_start_is_reported() -> None:
    """A test does not hang on it."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        raise RuntimeError("no database")
        yield

    with pytest.raises(NotReady, match="did not start"), serving(Starlette(lifespan=lifespan)):
        pass


def test_a_stream_that_never_ends_does_not_hold_the_server_up() -> None:
    """Live feeds are cut when the server is left."""

    async def forever() -> AsyncIterator[bytes]:
        while True:
            yield b"tick\n"
            await anyio.sleep(0.01)

    async def feed(_: Request) -> StreamingResponse:
        return StreamingResponse(forever())

    with serving(Starlette(routes=[Route("/", feed)])) as url, httpx2.stream("GET", url) as response:
        assert next(response.iter_bytes()).startswith(b"tick")
