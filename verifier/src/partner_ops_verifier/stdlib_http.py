"""Owns HTTP by the standard library alone: each request on a connection of its own.

Refuses redirects, proxies from the environment, compressed answers, and whatever takes too long or grows too large.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

from partner_ops_verifier.http import (
    LARGEST_ANSWER,
    SILENCE_SECONDS,
    TIMEOUT_SECONDS,
    Answer,
    HttpFailed,
    Request,
)
from partner_ops_verifier.places import origin_of

_PIECE: Final = 64 * 1024


class StdlibHttp:
    """An `Http`. `tls`: other authorities than the machine's, such as a company's own."""

    def __init__(self, *, timeout: float = TIMEOUT_SECONDS, tls: ssl.SSLContext | None = None) -> None:
        self._timeout = timeout
        self._tls = tls or ssl.create_default_context()

    def fetch(self, request: Request) -> Answer:
        """The whole answer. Raises `HttpFailed`."""
        with _told(request), self._connected(request) as (connection, sock), _deadline(sock, self._timeout):
            response = _sent(connection, request)
            body = bytearray()
            while piece := response.read1(_PIECE):
                body += piece
                if len(body) > LARGEST_ANSWER:
                    raise HttpFailed("the answer is too large")
            if response.length:  # what was promised and did not come
                raise HttpFailed("the answer was cut off")
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(status=response.status, headers=headers, body=bytes(body))

    def open(self, request: Request) -> StdlibStream:
        """The beginning of an answer. Raises `HttpFailed`."""
        with _told(request):
            connection = self._connection(request)
            try:
                connection.connect()
                with _deadline(connection.sock, self._timeout):
                    sock = connection.sock
                    response = _sent(connection, request)
            except BaseException:
                connection.close()
                raise
            sock.settimeout(SILENCE_SECONDS)
            return StdlibStream(connection, sock, response)

    @contextmanager
    def _connected(self, request: Request) -> Iterator[tuple[HTTPConnection, socket.socket]]:
        connection = self._connection(request)
        try:
            connection.connect()
            yield connection, connection.sock
        finally:
            connection.close()

    def _connection(self, request: Request) -> HTTPConnection:
        origin = urlsplit(origin_of(request.url))
        host = origin.hostname or ""
        if origin.scheme == "https":
            return HTTPSConnection(host, origin.port, timeout=self._timeout, context=self._tls)
        return HTTPConnection(host, origin.port, timeout=self._timeout)


class StdlibStream:
    """A `Stream`."""

    def __init__(self, connection: HTTPConnection, sock: socket.socket, response: HTTPResponse) -> None:
        self._connection = connection
        self._sock = sock
        self._response = response
        self.status = response.status

    def read(self) -> bytes:
        """What came next; empty at the end."""
        try:
            return self._response.read1(_PIECE)
        except (OSError, HTTPException, ValueError, AttributeError) as problem:
            # ValueError and AttributeError: closed by another thread in the middle of a read.
            raise HttpFailed(type(problem).__name__) from None

    def close(self) -> None:
        """End it."""
        _shut(self._sock)
        with suppress(OSError):
            self._response.close()
            self._connection.close()


class ThreadedHttp:
    """What an `AsyncVerifier` fetches with by default: a plain `fetch`, in a thread of asyncio's own."""

    def __init__(self, plain: StdlibHttp) -> None:
        self.plain = plain

    async def fetch(self, request: Request) -> Answer:
        """As `StdlibHttp.fetch`."""
        return await asyncio.to_thread(self.plain.fetch, request)


def _sent(connection: HTTPConnection, request: Request) -> HTTPResponse:
    parts = urlsplit(request.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    method = "GET" if request.body is None else "POST"
    connection.request(method, target, body=request.body, headers=dict(request.headers))
    return connection.getresponse()


@contextmanager
def _told(request: Request) -> Iterator[None]:
    """Everything that can go wrong, as `HttpFailed`, with the address and without its query."""
    try:
        yield
    except HttpFailed as problem:
        raise HttpFailed(f"{problem}: {request.url.partition('?')[0]}") from None
    except (OSError, HTTPException, ValueError) as problem:
        raise HttpFailed(f"{type(problem).__name__}: {request.url.partition('?')[0]}") from None


@contextmanager
def _deadline(sock: socket.socket, seconds: float) -> Iterator[None]:
    """Cut the connection after `seconds`, however slowly the other side keeps it alive meanwhile."""
    passed = threading.Event()

    def cut() -> None:
        passed.set()
        _shut(sock)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, HTTPException) as problem:
        if passed.is_set():
            raise HttpFailed("too slow") from None
        raise problem
    finally:
        timer.cancel()
    if passed.is_set():
        raise HttpFailed("too slow")


def _shut(sock: socket.socket) -> None:
    """Wake whoever reads. Not by the method of ssl's sockets, which takes the cipher away from under a reader."""
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
