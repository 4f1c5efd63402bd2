"""The one way in which the broker calls out, against servers that write byte by byte."""

from __future__ import annotations

import asyncio
import gzip
import time
import zlib
from collections.abc import AsyncIterator
from ipaddress import ip_network

import pytest

from broker.domain.errors import Fault
from broker.upstream.http import LONGEST_BODY, Answer, Transport
from tests.upstream.raw import Handler, RawServer, answer, raw_server, saying

pytestmark = pytest.mark.anyio

JSON = {"Accept": "application/json"}


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    made = Transport(allow_private_addresses=[ip_network("127.0.0.0/8")])
    yield made
    await made.close()


async def ask(transport: Transport, url: str, *, longest: int = LONGEST_BODY) -> Answer:
    return await transport.send("GET", url, what="keys", headers=JSON, longest=longest)


async def refusal(transport: Transport, handler: Handler, *, longest: int = LONGEST_BODY) -> str:
    """Why the answer that `handler` gives is refused."""
    async with raw_server(handler) as server:
        with pytest.raises(Fault) as raised:
            await ask(transport, server.url, longest=longest)
    assert raised.value.code == "provider_unavailable"
    return raised.value.detail


async def test_a_request_says_no_more_than_it_must(transport: Transport) -> None:
    """No cookies, no compression, and a name without a version."""
    async with raw_server(saying(answer(b"{}", "Set-Cookie: a=b; Path=/"))) as server:
        await ask(transport, server.url)
        await ask(transport, server.url)

        for head in server.heads:
            lines = head.decode().split("\r\n")
            assert lines[0] == "GET / HTTP/1.1"
            names = {line.partition(":")[0] for line in lines[1:] if line}
            assert names == {"Host", "Accept", "Accept-Encoding", "User-Agent"}
            assert "User-Agent: partner-ops-broker" in lines
            assert "Accept-Encoding: identity" in lines


async def test_an_answer_is_what_came(transport: Transport) -> None:
    """Status, media type without parameters, body, and how long to wait."""
    said = answer(b'{"a": 1}', "Content-Type: Application/JSON; charset=utf-8", "Retry-After: 30", status="429 Slow")
    async with raw_server(saying(said)) as server:
        got = await ask(transport, server.url)

    assert got == Answer(status=429, media_type="application/json", body=b'{"a": 1}', retry_after=30)
    assert "{" not in repr(got)


@pytest.mark.parametrize("wait", ["", "soon", "-1", "1.5", "²", "9999999", "Wed, 21 Oct 2026 07:28:00 GMT"])
async def test_a_wait_that_is_no_number_is_ours(transport: Transport, wait: str) -> None:
    """HTTP dates too: no Provider sends them, and clocks differ."""
    async with raw_server(saying(answer(b"{}", f"Retry-After: {wait}"))) as server:
        assert (await ask(transport, server.url)).retry_after == 5


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent", "304 Same"]
)
async def test_a_redirect_is_not_followed(transport: Transport, status: str) -> None:
    """Wherever it leads."""
    async with raw_server(saying(answer(b"{}"))) as aim:
        detail = await refusal(transport, saying(answer(b"", f"Location: {aim.url}", status=status)))

        assert aim.heads == []
    assert detail == "keys: a redirect, which is never followed"


async def test_a_body_that_says_it_is_too_long_is_not_read(transport: Transport) -> None:
    """The length is believed when it is bad news."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {LONGEST_BODY + 1}\r\n\r\n"

    assert await refusal(transport, saying(head.encode())) == f"keys: longer than {LONGEST_BODY} bytes"


async def test_a_body_of_just_the_limit_is_read(transport: Transport) -> None:
    """The bound is inclusive."""
    async with raw_server(saying(answer(b"x" * 1000))) as server:
        assert len((await ask(transport, server.url, longest=1000)).body) == 1000
        with pytest.raises(Fault):
            await ask(transport, server.url, longest=999)


def endless(head: bytes, part: bytes, server: list[RawServer]) -> Handler:
    async def handler(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while not writer.is_closing():
            writer.write(part)
            server[0].sent += len(part)
            await writer.drain()

    return handler


@pytest.mark.parametrize("framing", ["chunked", "until closed"])
async def test_an_endless_body_is_cut_off(transport: Transport, framing: str) -> None:
    """Soon after the limit, whatever the framing: memory stays flat."""
    head, part = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n", b"x" * 65536
    if framing == "chunked":
        head, part = head + b"Transfer-Encoding: chunked\r\n", b"10000\r\n" + part + b"\r\n"
    server: list[RawServer] = []
    async with raw_server(endless(head + b"\r\n", part, server)) as made:
        server.append(made)
        with pytest.raises(Fault, match="longer than"):
            await ask(transport, made.url)

        assert made.sent < 32 * 1024 * 1024


BOMB = zlib.compress(b"\0" * 64 * 1024 * 1024)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "GZIP", "identity, gzip", ""])
async def test_a_compressed_body_is_refused_unread(transport: Transport, encoding: str) -> None:
    """It was not asked for, so it is not unpacked: there is no bomb to go off."""
    body = gzip.compress(b"{}") if "gzip" in encoding.lower() else BOMB
    began = time.thread_time()

    detail = await refusal(transport, saying(answer(body, f"Content-Encoding: {encoding}")))

    assert detail == "keys: compressed, though that was not asked for"
    assert time.thread_time() - began < 0.5


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"x" * 20000 + b"\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"X-A: x\r\n" * 1000 + b"\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\nX\x00: y\r\n\r\n{}",
        b"HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 abc OK\r\n\r\n",
    ],
    ids=lambda said: repr(said[:70]),
)
async def test_what_is_no_http_is_a_fault(transport: Transport, said: bytes) -> None:
    """Never another exception, and nothing of it in the fault."""
    assert (await refusal(transport, saying(said))).startswith("keys: ")


async def test_a_server_that_is_not_there_is_a_fault(transport: Transport) -> None:
    """Connection refused."""
    async with raw_server(saying()) as server:
        url = server.url
    with pytest.raises(Fault) as raised:
        await ask(transport, url)

    assert raised.value.code == "provider_unavailable"
    assert raised.value.detail == "keys: ClientConnectorError"


async def test_a_post_is_sent_once_even_into_a_closing_connection(transport: Transport) -> None:
    """A code must not be redeemed twice because a connection broke: the library would repeat a GET, not this."""
    for method, times in (("POST", 1), ("GET", 2)):
        async with raw_server(saying(b"")) as server:
            with pytest.raises(Fault):
                await transport.send(
                    method, server.url, what="token", headers=JSON, body="code=1" if times == 1 else None
                )

            assert len(server.heads) == times


async def test_the_environments_proxy_is_not_used(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor its list of machines and passwords."""
    async with raw_server(saying(answer(b"{}"))) as proxy, raw_server(saying(answer(b"{}"))) as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        await ask(transport, server.url)

        assert (len(proxy.heads), len(server.heads)) == (0, 1)


async def test_a_url_that_is_none_is_not_called(transport: Transport) -> None:
    """The check stands before every request, not only where URLs come in."""
    with pytest.raises(Fault) as raised:
        await ask(transport, "http://id.example/keys")

    assert raised.value.code == "provider_misconfigured"


async def test_closing_twice_does_no_harm() -> None:
    """Nor closing what was never used."""
    transport = Transport(allow_private_addresses=())
    await transport.close()
    await transport.close()


async def test_a_slow_server_is_given_up_in_time(transport: Transport) -> None:
    """Five seconds in all: for one that says nothing, and for a head or a body that drips in steadily."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    silent, slow_head = saying(b"", pause=9), saying(b"HTTP/1.1 200 OK\r\nX: ", *[b"x"] * 60, pause=0.2)
    slow_body = saying(head, *[b" "] * 60, pause=0.2)
    began = time.monotonic()

    await asyncio.gather(*(refusal(transport, kind) for kind in (silent, slow_head, slow_body)))

    assert 4 < time.monotonic() - began < 9
