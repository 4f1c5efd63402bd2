"""The driver's own HTTP/1.1: kept-alive connections, one request at a time on each, parsed by httptools.

Refuses every address but the loopback interface's, and transfer codings it has no use for (TLS, proxies, redirects).
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httptools

LOOPBACK = "127.0.0.1"
HOSTS = (LOOPBACK, "localhost")


class Broken(Exception):
    """An operation did not go as it must; the text is counted, so it holds nothing that differs every time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A whole response. Header names are in lower case."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes = field(repr=False)

    def header(self, name: str) -> str:
        """The first value, or nothing."""
        return next((value for key, value in self.headers if key == name), "")


class Connection(asyncio.Protocol):
    """One connection: `ask`, and the answer comes."""

    def __init__(self) -> None:
        self.alive = True
        self._waiting: asyncio.Future[Answer] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        self._transport: Any = transport

    async def ask(self, request: bytes) -> Answer:
        """Send one request and wait for the whole answer. Raises `Broken`."""
        self._parser = httptools.HttpResponseParser(self)
        self._headers: list[tuple[str, str]] = []
        self._body = b""
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            return await self._waiting
        finally:
            self._waiting = None

    def data_received(self, data: bytes) -> None:
        """Feed the parser, which calls the three methods below."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        self._headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_body(self, part: bytes) -> None:
        """A piece of the body."""
        self._body += part

    def on_message_complete(self) -> None:
        """The answer is whole."""
        if not self._parser.should_keep_alive():
            self.alive = False
            self._transport.close()
        if self._waiting is not None and not self._waiting.done():
            answer = Answer(status=self._parser.get_status_code(), headers=self._headers, body=self._body)
            self._waiting.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits is told."""
        self.alive = False
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(Broken("connection lost"))

    def close(self) -> None:
        """Done with it."""
        self.alive = False
        self._transport.close()


class Wire:
    """The connections of one worker, one to each server.

    `processes`: for a place that several processes answer for, where they are; requests go to them in turn.
    """

    def __init__(self, processes: Mapping[str, Sequence[str]]) -> None:
        self._connections: dict[str, Connection] = {}
        self._turns = {place: itertools.cycle(several) for place, several in processes.items()}

    async def send(
        self, method: str, url: str, headers: Sequence[tuple[str, str]] = (), body: bytes | None = None
    ) -> Answer:
        """One request. Raises `Broken`."""
        place, target = split(url)
        lines = [f"{method} {target} HTTP/1.1", f"Host: {place}", *(f"{name}: {value}" for name, value in headers)]
        if body is not None:
            lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
        request = "\r\n".join((*lines, "", "")).encode("latin-1") + (body or b"")
        turns = self._turns.get(place)
        return await (await self._to(place if turns is None else next(turns))).ask(request)

    def close(self) -> None:
        """Close every connection."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    async def _to(self, place: str) -> Connection:
        connection = self._connections.get(place)
        if connection is None or not connection.alive:
            host, _, port = place.partition(":")
            if host not in HOSTS:
                raise Broken("sent somewhere else than to the loopback interface")
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(Connection, LOOPBACK, int(port))
            self._connections[place] = connection
        return connection


def split(url: str) -> tuple[str, str]:
    """Host with port, and the request target, of an absolute URL. Raises `Broken`."""
    scheme, _, rest = url.partition("://")
    if scheme != "http":
        raise Broken("sent to no http URL")
    place, slash, target = rest.partition("/")
    return place, slash + target if slash else "/"
