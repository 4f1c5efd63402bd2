"""A server that speaks no protocol but what a test writes byte by byte, in the test's own event loop."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(kw_only=True)
class RawServer:
    """`connections` counts them, `heads` are the request heads that came, `sent` counts bytes that went out."""

    port: int = 0
    connections: int = 0
    heads: list[bytes] = field(default_factory=list)
    sent: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"


@asynccontextmanager
async def raw_server(handler: Handler, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawServer]:
    """Answer each request with whatever `handler` writes, then close."""
    raw = RawServer()
    open_ones: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raw.connections += 1
        task = asyncio.current_task()
        if task is not None:
            open_ones.add(task)
            task.add_done_callback(open_ones.discard)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            raw.heads.append(await reader.readuntil(b"\r\n\r\n"))
            await handler(reader, writer)
        writer.close()
        with suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    raw.port = server.sockets[0].getsockname()[1]
    try:
        yield raw
    finally:
        server.close()
        for task in tuple(open_ones):
            task.cancel()
        await asyncio.gather(*open_ones, return_exceptions=True)
        await server.wait_closed()


def saying(*parts: bytes, pause: float = 0) -> Handler:
    """Write the parts, one after the other."""

    async def handler(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)

    return handler


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """A whole answer with the right length, after which the connection ends."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    if not any(header.lower().startswith("content-type") for header in headers):
        head.append("Content-Type: application/json")
    return "\r\n".join([*head, "", ""]).encode() + body
