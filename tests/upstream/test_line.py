"""One Provider's share of the broker: bounded, tried again with care, left alone when it does not answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from ipaddress import ip_network

import pytest

from broker.domain.errors import Fault
from broker.upstream.http import Answer, Transport
from broker.upstream.line import AT_A_TIME, QUICKLY, REST_SECONDS, TRIPS_AFTER, Line, deadline, read_json
from tests.upstream.raw import Handler, answer, raw_server, saying

pytestmark = pytest.mark.anyio


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    made = Transport(allow_private_addresses=[ip_network("127.0.0.0/8")])
    yield made
    await made.close()


def in_turn(*handlers: Handler) -> Handler:
    """Each request meets the next handler; the last one stays."""
    waiting = list(handlers)

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await (waiting.pop(0) if len(waiting) > 1 else waiting[0])(reader, writer)

    return handler


WELL, BUSY, ILL = (
    saying(answer(b'{"a":1}')),
    saying(answer(b"{}", status="503 Busy")),
    saying(answer(b"{}", status="500 Ill")),
)


async def test_a_document_is_fetched(transport: Transport) -> None:
    """Parsed."""
    async with raw_server(WELL) as server:
        assert await Line(transport).get_json(server.url, what="keys") == {"a": 1}


@pytest.mark.parametrize("status", ["502 Bad", "503 Busy", "504 Late"])
async def test_a_get_is_tried_once_more(transport: Transport, status: str) -> None:
    """What may pass is asked again a moment later, and only once."""
    first = saying(answer(b"{}", status=status))
    async with raw_server(in_turn(first, WELL)) as server:
        assert await Line(transport).get_json(server.url, what="keys") == {"a": 1}
        assert len(server.heads) == 2

    async with raw_server(first) as server:
        with pytest.raises(Fault) as raised:
            await Line(transport).get_json(server.url, what="keys")
        assert len(server.heads) == 2
    assert raised.value.detail.startswith("keys: status 50")


@pytest.mark.parametrize("status", ["500 Ill", "404 Gone", "401 Who", "429 Slow"])
async def test_what_does_not_pass_is_not_tried_again(transport: Transport, status: str) -> None:
    """The answer would be the same."""
    async with raw_server(saying(answer(b"{}", "Retry-After: 9", status=status))) as server:
        with pytest.raises(Fault) as raised:
            await Line(transport).get_json(server.url, what="keys")

        assert len(server.heads) == 1
    assert raised.value.retry_after == 9


async def test_a_connection_that_breaks_is_tried_again_for_a_get(transport: Transport) -> None:
    """By a new connection."""
    async with raw_server(in_turn(saying(b""), saying(b""), WELL)) as server:
        assert await Line(transport).get_json(server.url, what="keys") == {"a": 1}


async def test_a_post_is_never_tried_again(transport: Transport) -> None:
    """Neither after an error nor after a broken connection."""
    for handler in (BUSY, saying(b"")):
        async with raw_server(handler) as server:
            line = Line(transport)
            try:
                await line.send("POST", server.url, what="token", body="code=1")
            except Fault as fault:
                assert fault.code == "provider_unavailable"

            assert len(server.heads) == 1


async def test_a_forbidden_address_is_not_tried_again() -> None:
    """It stays forbidden, and says nothing about the Provider's health."""
    transport, slept = Transport(allow_private_addresses=()), time.monotonic()
    line = Line(transport)
    for _ in range(TRIPS_AFTER * 2):
        with pytest.raises(Fault) as raised:
            await line.get("https://127.0.0.1:1/", what="keys")
        assert raised.value.code == "provider_misconfigured"
    await transport.close()

    assert time.monotonic() - slept < 2


async def test_a_provider_that_fails_again_and_again_is_left_alone(transport: Transport) -> None:
    """Nobody waits for it, and it is not hammered; one success forgets all failures."""
    async with raw_server(in_turn(*[ILL] * (TRIPS_AFTER - 1), WELL, ILL)) as server:
        line = Line(transport)
        for _ in range(2 * TRIPS_AFTER):
            await line.send("POST", server.url, what="token")
        asked = len(server.heads)
        with pytest.raises(Fault) as raised:
            await line.send("POST", server.url, what="token")

        assert raised.value.detail == "left alone after many failures in a row"
        assert raised.value.retry_after == REST_SECONDS
        assert len(server.heads) == asked == 2 * TRIPS_AFTER


async def test_a_wait_that_somebody_else_ended_was_a_failure_too(transport: Transport) -> None:
    """A caller's own, shorter deadline does not hide that the Provider hangs; a person who leaves says nothing."""
    async with raw_server(saying(b"", pause=30)) as server:
        for seconds in (0.1, QUICKLY + 0.2):
            line = Line(transport)
            crowd = [asyncio.create_task(waiting(line, server.url, seconds)) for _ in range(TRIPS_AFTER)]
            await asyncio.gather(*crowd)
            asked = server.connections
            await waiting(line, server.url, 0.1)

            assert server.connections == asked + (1 if seconds < QUICKLY else 0)


async def waiting(line: Line, url: str, seconds: float) -> None:
    with pytest.raises(Fault):
        async with deadline(seconds, "exchange"):
            await line.send("POST", url, what="token")


async def test_one_probe_finds_out_whether_it_is_back(transport: Transport) -> None:
    """While the probe is under way all others are still told to wait; then everybody may go on."""
    async with raw_server(in_turn(*[ILL] * TRIPS_AFTER, saying(answer(b"{}")[:-2], b"{}", pause=0.3), WELL)) as server:
        line = Line(transport)
        for _ in range(TRIPS_AFTER):
            await line.send("POST", server.url, what="token")
        await asyncio.sleep(REST_SECONDS)

        results = await asyncio.gather(
            *(line.send("POST", server.url, what="token") for _ in range(8)), return_exceptions=True
        )
        answered = [result for result in results if isinstance(result, Answer)]
        assert (len(answered), len(server.heads)) == (1, TRIPS_AFTER + 1)

        assert (await line.send("POST", server.url, what="token")).status == 200


async def test_a_provider_that_hangs_takes_its_own_places_only(transport: Transport) -> None:
    """G19-01: who waits for a free place waits five seconds at most; another Provider's line is as fast as ever."""
    hanging, well = Line(transport), Line(transport)
    async with raw_server(saying(b"", pause=30)) as server, raw_server(WELL) as other:
        began = time.monotonic()
        crowd = [asyncio.create_task(hanging.send("POST", server.url, what="token")) for _ in range(AT_A_TIME + 20)]
        await asyncio.sleep(0.5)
        assert len(server.heads) <= AT_A_TIME

        before = time.monotonic()
        await well.get_json(other.url, what="keys")
        assert time.monotonic() - before < 2

        results = await asyncio.gather(*crowd, return_exceptions=True)
        assert all(isinstance(result, Fault) for result in results)
        assert time.monotonic() - began < 9


async def test_a_get_that_hangs_ends_in_time_too(transport: Transport) -> None:
    """The second try does not double the wait."""
    async with raw_server(saying(b"", pause=30)) as server:
        began = time.monotonic()
        with pytest.raises(Fault):
            await Line(transport).get(server.url, what="keys")

        assert time.monotonic() - began < 9


def told(body: bytes, media_type: str) -> Answer:
    return Answer(status=200, media_type=media_type, body=body, retry_after=5)


@pytest.mark.parametrize("media_type", ["application/json", "application/jwk-set+json", "application/problem+json"])
def test_json_is_read(media_type: str) -> None:
    """By its media type."""
    assert read_json(told(b"[1]", media_type), "keys") == [1]


@pytest.mark.parametrize(
    "media_type", ["", "text/html", "text/plain", "text/json", "application/jsonp", "application/jwt"]
)
def test_what_is_not_called_json_is_not_read(media_type: str) -> None:
    """A page of a network's sign-in is no answer, even with status 200."""
    with pytest.raises(Fault, match="keys: not JSON"):
        read_json(told(b"{}", media_type), "keys")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"NaN", b"[1e999]", b"[" * 5000, b"{}{}", b"canary"], ids=repr)
def test_malformed_json_is_a_fault(body: bytes) -> None:
    """Which does not repeat it."""
    with pytest.raises(Fault) as raised:
        read_json(told(body, "application/json"), "keys")

    assert raised.value.detail == "keys: malformed JSON"
    assert raised.value.__suppress_context__


async def test_a_deadline_is_a_fault() -> None:
    """Of everything inside."""
    with pytest.raises(Fault, match=r"exchange: no answer in 0\.01 s"):
        async with deadline(0.01, "exchange"):
            await asyncio.sleep(1)
