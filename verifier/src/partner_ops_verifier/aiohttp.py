"""Owns HTTP by aiohttp, for services that have it anyway: connections are kept, and streams are tasks' work."""

from __future__ import annotations

import asyncio
import ssl

import aiohttp

from partner_ops_verifier.http import (
    LARGEST_ANSWER,
    SILENCE_SECONDS,
    TIMEOUT_SECONDS,
    Answer,
    HttpFailed,
    Request,
)
from partner_ops_verifier.places import origin_of

_PIECE = 64 * 1024


class AiohttpHttp:
    """An `AsyncHttp`. `session`: your own, which you close. Let it keep no cookies and know no proxy."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        timeout: float = TIMEOUT_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._session = session
        self._timeout = timeout
        self._tls: ssl.SSLContext | bool = tls or True

    async def fetch(self, request: Request) -> Answer:
        """The whole answer. Raises `HttpFailed`."""
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._send(request, aiohttp.ClientTimeout(total=self._timeout))
                async with response:
                    body = bytearray()
                    async for piece in response.content.iter_chunked(_PIECE):
                        body += piece
                        if len(body) > LARGEST_ANSWER:
                            raise HttpFailed("the answer is too large")
                    headers = {name.lower(): value for name, value in response.headers.items()}
                    return Answer(status=response.status, headers=headers, body=bytes(body))
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as problem:
            raise _failed(request, problem) from None

    async def open(self, request: Request) -> AiohttpStream:
        """The beginning of an answer. Raises `HttpFailed`."""
        patience = aiohttp.ClientTimeout(total=None, sock_connect=self._timeout, sock_read=SILENCE_SECONDS)
        try:
            async with asyncio.timeout(self._timeout):
                return AiohttpStream(await self._send(request, patience))
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as problem:
            raise _failed(request, problem) from None

    async def _send(self, request: Request, patience: aiohttp.ClientTimeout) -> aiohttp.ClientResponse:
        origin_of(request.url)
        return await self._session.request(
            "GET" if request.body is None else "POST",
            request.url,
            data=request.body,
            headers={"Accept-Encoding": "identity", **request.headers},
            allow_redirects=False,
            timeout=patience,
            ssl=self._tls,
        )


class AiohttpStream:
    """An `AsyncStream`."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status

    async def read(self) -> bytes:
        """What came next; empty at the end."""
        try:
            return await self._response.content.readany()
        except (aiohttp.ClientError, OSError, TimeoutError) as problem:
            raise HttpFailed(type(problem).__name__) from None

    async def close(self) -> None:
        """End it."""
        self._response.close()


def _failed(request: Request, problem: Exception) -> HttpFailed:
    return HttpFailed(f"{type(problem).__name__}: {request.url.partition('?')[0]}")
