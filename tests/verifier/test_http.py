"""Speaking HTTP, by the standard library and by aiohttp: bounded in time and size, and only to who proves who it is."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import aiohttp
import pytest

from partner_ops_verifier.aiohttp import AiohttpHttp
from partner_ops_verifier.http import AsyncFetch, HttpFailed, Request
from partner_ops_verifier.stdlib_http import StdlibHttp, ThreadedHttp
from tests.upstream.raw import Handler, RawServer, answer, raw_server, saying
from tests.upstream.test_tls import Authority

Library = Literal["stdlib", "aiohttp"]

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("library", ["stdlib", "aiohttp"])]


@asynccontextmanager
async def speaking(
    library: Library, *, patience: float = 5, tls: ssl.SSLContext | None = None
) -> AsyncIterator[AsyncFetch]:
    """One of the two; `patience` is for the whole exchange."""
    if library == "stdlib":
        yield ThreadedHttp(StdlibHttp(timeout=patience, tls=tls))
    else:
        async with aiohttp.ClientSession() as session:
            yield AiohttpHttp(session, timeout=patience, tls=tls)


def asked(url: str, **headers: str) -> Request:
    return Request(url=url, headers=headers)


async def failing(library: Library, handler: Handler, *, patience: float = 5) -> str:
    """What is told of an exchange that comes to nothing."""
    async with raw_server(handler) as raw, speaking(library, patience=patience) as http:
        with pytest.raises(HttpFailed) as failed:
            await http.fetch(asked(f"{raw.url}keys?secret"))
        assert "secret" not in str(failed.value)
    return str(failed.value)


async def test_an_answer_comes_back_whole(library: Library) -> None:
    """Status, headers in lower case, body; whatever the status."""
    said = answer(b"body", "Cache-Control: max-age=7", status="404 Not Found")
    async with raw_server(saying(said)) as raw, speaking(library) as http:
        found = await http.fetch(asked(f"{raw.url}a/b?c=d", Authorization="Bearer t"))

    assert (found.status, found.body, found.headers["cache-control"]) == (404, b"body", "max-age=7")
    assert raw.heads[0].startswith(b"GET /a/b?c=d HTTP/1.1\r\n")
    assert b"Authorization: Bearer t\r\n" in raw.heads[0]
    assert b"gzip" not in raw.heads[0]


async def test_a_body_makes_it_a_post(library: Library) -> None:
    """As the token endpoint wants it."""
    async with raw_server(saying(answer(b"{}"))) as raw, speaking(library) as http:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        await http.fetch(Request(url=raw.url, headers=form, body=b"a=b"))

    assert raw.heads[0].startswith(b"POST / HTTP/1.1\r\n")
    assert b"Content-Length: 3\r\n" in raw.heads[0]


async def test_a_redirect_is_an_answer_and_no_way(library: Library) -> None:
    """The other place never hears of it."""
    async with raw_server(saying(answer(b""))) as other:
        said = answer(b"", f"Location: {other.url}", status="302 Found")
        async with raw_server(saying(said)) as raw, speaking(library) as http:
            assert (await http.fetch(asked(raw.url))).status == 302
        assert other.connections == 0


_SLOW = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
FAILING: dict[str, Callable[[], Handler]] = {
    "closed at once": saying,
    "no HTTP": lambda: saying(b"hello\r\n\r\n"),
    "cut off": lambda: saying(_SLOW + b"{}"),
    "a chunk cut off": lambda: saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nabc"),
    "a header without end": lambda: saying(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000),
}


@pytest.mark.parametrize("name", FAILING)
async def test_what_is_no_answer_fails(library: Library, name: str) -> None:
    """With a word for the log, and no query in it."""
    assert await failing(library, FAILING[name]())


async def test_an_answer_without_end_is_cut(library: Library) -> None:
    """Long before memory is."""
    async with (
        raw_server(saying(*[b"HTTP/1.1 200 OK\r\n\r\n", *[b"a" * 65536] * 1000])) as raw,
        speaking(library) as http,
    ):
        with pytest.raises(HttpFailed, match="too large"):
            await http.fetch(asked(raw.url))


@pytest.mark.parametrize("said", [(), (_SLOW,), (b"HTTP",)])
async def test_silence_is_not_waited_for(library: Library, said: tuple[bytes, ...]) -> None:
    """Before the answer, in its head, in its body."""
    begun = time.monotonic()
    await failing(library, saying(*said, b"", pause=3), patience=0.2)

    assert time.monotonic() - begun < 2


async def test_an_answer_in_drops_is_not_waited_for(library: Library) -> None:
    """The time is the whole exchange's, however alive the other side looks."""
    for head in (_SLOW, b"HTTP/1.1 200 OK\r\nX: "):
        begun = time.monotonic()
        await failing(library, saying(head, *[b"a"] * 200, pause=0.02), patience=0.3)

        assert time.monotonic() - begun < 2


async def test_a_server_without_a_certificate_we_trust_is_not_asked(library: Library, tmp_path: Path) -> None:
    """The authority, the name, the time."""
    authority = Authority(tmp_path)

    async def reached(raw: RawServer, tls: ssl.SSLContext | None, host: str) -> bool:
        async with speaking(library, tls=tls) as http:
            try:
                return (await http.fetch(asked(f"https://{host}:{raw.port}/"))).status == 200
            except HttpFailed:
                return False

    async with raw_server(saying(answer(b"{}")), tls=authority.server()) as raw:
        assert await reached(raw, authority.trusted(), "localhost")
        assert not await reached(raw, None, "localhost")
        assert not await reached(raw, authority.trusted(), "127.0.0.1")
        assert len(raw.heads) == 1


async def test_http_is_not_spoken_across_a_network(library: Library) -> None:
    """Not even when asked to."""
    async with speaking(library) as http:
        for url in ("http://id.example/", "ftp://localhost/", "https://user@localhost/"):
            with pytest.raises(HttpFailed):
                await http.fetch(asked(url))


async def test_proxies_of_the_environment_are_not_used(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who verifies tokens speaks to the issuer itself."""
    async with raw_server(saying(answer(b"proxied"))) as proxy, raw_server(saying(answer(b"direct"))) as raw:
        monkeypatch.setenv("http_proxy", proxy.url)
        async with speaking(library) as http:
            assert (await http.fetch(asked(raw.url))).body == b"direct"


async def test_many_at_once_do_not_wait_for_each_other(library: Library) -> None:
    """Each has a connection of its own."""
    async with raw_server(saying(b"", answer(b"{}"), pause=0.1)) as raw, speaking(library) as http:
        found = await asyncio.gather(*(http.fetch(asked(raw.url)) for _ in range(4)))

    assert [one.status for one in found] == [200] * 4


@asynccontextmanager
async def opened(library: Library, url: str) -> AsyncIterator[Callable[[], Awaitable[bytes]]]:
    """A stream's `read`, whichever way it is read."""
    if library == "stdlib":
        plain = await asyncio.to_thread(StdlibHttp(timeout=1).open, asked(url))
        try:
            yield lambda: asyncio.to_thread(plain.read)
        finally:
            plain.close()
    else:
        async with aiohttp.ClientSession() as session:
            stream = await AiohttpHttp(session, timeout=1).open(asked(url))
            try:
                yield stream.read
            finally:
                await stream.close()


async def test_a_stream_is_read_as_it_comes(library: Library) -> None:
    """Long after an exchange would have been cut; its end is empty."""
    said = (b"HTTP/1.1 200 OK\r\n\r\none", b"two", b"three")
    async with raw_server(saying(*said, pause=0.6)) as raw, opened(library, raw.url) as read:
        assert [await read() for _ in range(4)] == [b"one", b"two", b"three", b""]


async def test_a_stream_that_breaks_off_fails(library: Library) -> None:
    """It is not taken for its end."""
    said = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n10\r\ntw"
    async with raw_server(saying(said)) as raw, opened(library, raw.url) as read:
        with pytest.raises(HttpFailed):
            while await read():
                pass


@pytest.mark.parametrize("name", ["no HTTP", "closed at once"])
async def test_a_stream_that_does_not_begin_fails(library: Library, name: str) -> None:
    """As an exchange does."""
    async with raw_server(FAILING[name]()) as raw:
        with pytest.raises(HttpFailed):
            async with opened(library, raw.url):
                pass


async def test_a_stream_that_does_not_begin_in_time_fails(library: Library) -> None:
    """Its head has the time of an exchange."""
    begun = time.monotonic()
    async with raw_server(saying(b"HTTP/1.1 200", b"", pause=4)) as raw:
        with pytest.raises(HttpFailed):
            async with opened(library, raw.url):
                pass
    assert time.monotonic() - begun < 3
