"""Stands between a store and PostgreSQL: counts round trips, falls silent, cuts, refuses.

Never changes what passes through it.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from tests.servers.port import LOOPBACK

_ASKS_FOR_TLS = 80877103  # PostgreSQL's manual, section 54.7, SSLRequest


class Proxy:
    """`round_trips`: how often a client has asked the server to answer, signing on left out."""

    def __init__(self, url: str) -> None:
        self._server = urlsplit(url)
        self._listener: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._port = 0
        self.round_trips = 0

    @property
    def url(self) -> str:
        """The database, through this."""
        whole = self._server
        return f"{whole.scheme}://{whole.username}:{whole.password}@{LOOPBACK}:{self._port}{whole.path}"

    async def listen(self) -> None:
        """Let clients through, at the same port as before."""
        self._flowing.set()
        self._listener = await asyncio.start_server(self._serve, LOOPBACK, self._port)
        self._port = self._listener.sockets[0].getsockname()[1]

    def be_silent(self) -> None:
        """Take everything and pass nothing on, as a network does that loses packets."""
        self._flowing.clear()

    def speak(self) -> None:
        """Pass on again, what was held back included."""
        self._flowing.set()

    async def refuse(self) -> None:
        """Cut every connection and let nobody in."""
        if self._listener is not None:
            self._listener.close()
        self.cut()
        await asyncio.sleep(0)

    def cut(self) -> None:
        """Cut every connection there is; new ones may come."""
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, client_reader: asyncio.StreamReader, client_writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(self._server.hostname, self._server.port)
        both = {client_writer, server_writer}
        self._writers |= both
        try:
            await asyncio.gather(
                self._pump(client_reader, server_writer, _Questions(self._count).read),
                self._pump(server_reader, client_writer, lambda _: None),
            )
        except OSError:
            pass  # one side is gone, and the other is told by closing it
        finally:
            self._writers -= both
            for writer in both:
                writer.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, look: Callable[[bytes], None]
    ) -> None:
        while some := await reader.read(65536):
            look(some)
            await self._flowing.wait()
            writer.write(some)
            await writer.drain()
        writer.transport.abort()

    def _count(self) -> None:
        self.round_trips += 1


class _Questions:
    """Reads what a client sends, frame by frame, and tells of each that asks for an answer."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell
        self._rest = b""
        self._signed_on = False

    def read(self, some: bytes) -> None:
        self._rest += some
        while (length := self._whole_frame()) is not None:
            frame, self._rest = self._rest[:length], self._rest[length:]
            if not self._signed_on:
                self._signed_on = struct.unpack("!I", frame[4:8])[0] != _ASKS_FOR_TLS
            elif frame[:1] in (b"S", b"Q"):  # Sync, Query
                self._tell()

    def _whole_frame(self) -> int | None:
        kind = 1 if self._signed_on else 0  # frames before signing on have no letter for their kind
        if len(self._rest) < kind + 4:
            return None
        length = kind + int(struct.unpack("!I", self._rest[kind : kind + 4])[0])
        return length if len(self._rest) >= length else None


@asynccontextmanager
async def proxied(url: str) -> AsyncIterator[Proxy]:
    """A proxy to the server of `url`, listening."""
    proxy = Proxy(url)
    await proxy.listen()
    try:
        yield proxy
    finally:
        proxy.speak()
        await proxy.refuse()


async def trips(proxy: Proxy, call: Callable[[], Awaitable[object]]) -> int:
    """How many round trips a call takes."""
    before = proxy.round_trips
    await call()
    return proxy.round_trips - before
