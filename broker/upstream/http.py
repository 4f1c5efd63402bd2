"""Owns the one way in which the broker calls out: aiohttp, with everything off that was not asked for.

Refuses redirects, cookies, proxies from the environment, compressed answers, long answers, slow answers, and addresses
that the operator did not allow, checked on the socket that is about to be connected.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver

from broker.upstream.addresses import Network, checked_url, may_connect
from broker.upstream.errors import RETRY_AFTER, misconfigured, unavailable

CONNECT_SECONDS = 2
TOTAL_SECONDS = 5
LONGEST_BODY = 256 * 1024
KEEP_ALIVE_SECONDS = 4
"""Shorter than the shortest that servers have (5 s: Apache, Node, uvicorn). A code is redeemed once and never again,
so it must not be sent into a connection which the other side is just closing."""
USER_AGENT = "partner-ops-broker"  # GitHub refuses requests without one


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came back. `retry_after` in seconds."""

    status: int
    media_type: str
    body: bytes = field(repr=False)
    retry_after: int


class _AddressRefused(OSError):
    def __init__(self) -> None:
        super().__init__(errno.EACCES, "address not allowed")


class Transport:
    """Connections to all Providers, kept alive. Made anywhere, used in one event loop, closed by `close`."""

    def __init__(
        self,
        *,
        allow_private_addresses: Sequence[Network],
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`tls` decides which certificates are trusted; None: those that the machine trusts."""
        self._allowed = tuple(allow_private_addresses)
        self._resolver = resolver
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def send(
        self,
        method: str,
        url: str,
        *,
        what: str,
        headers: Mapping[str, str],
        body: str | None = None,
        longest: int = LONGEST_BODY,
    ) -> Answer:
        """Send one request, once. `what` is its name in errors; `longest` is in bytes. Raises `Fault`."""
        checked_url(url, what)
        try:
            async with self._opened().request(
                method, url, headers=headers, data=body, allow_redirects=False
            ) as response:
                return await _read(response, what, longest)
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, _AddressRefused):
                raise misconfigured(f"{what}: the address is not one that may be called") from None
            raise unavailable(f"{what}: {type(error).__name__}") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise unavailable(f"{what}: {type(error).__name__}") from None

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0,  # each Provider's line has its own bound, so that none waits for another
                    ssl=self._tls or True,  # Python's own default: certificates and names checked, TLS 1.2 at least
                    resolver=self._resolver,
                    socket_factory=self._socket,
                    keepalive_timeout=KEEP_ALIVE_SECONDS,
                ),
                headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
                timeout=aiohttp.ClientTimeout(total=TOTAL_SECONDS, connect=CONNECT_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session

    def _socket(self, address: Any) -> socket.socket:
        """Make the socket for an address that was just resolved, or was written in the URL: nothing comes between."""
        family, kind, protocol, _, place = address
        if not may_connect(str(place[0]), self._allowed):
            raise _AddressRefused
        return socket.socket(family, kind, protocol)


async def _read(response: aiohttp.ClientResponse, what: str, longest: int) -> Answer:
    if 300 <= response.status < 400:
        raise _cut(response, f"{what}: a redirect, which is never followed")
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise _cut(response, f"{what}: compressed, though that was not asked for")
    if response.content_length is not None and response.content_length > longest:
        raise _cut(response, f"{what}: longer than {longest} bytes")
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > longest:
            raise _cut(response, f"{what}: longer than {longest} bytes")
    wait = response.headers.get("Retry-After", "")
    return Answer(
        status=response.status,
        media_type=response.content_type.lower(),
        body=bytes(body),
        retry_after=int(wait) if wait.isascii() and wait.isdigit() and len(wait) < 6 else RETRY_AFTER,
    )


def _cut(response: aiohttp.ClientResponse, detail: str) -> Exception:
    response.close()  # the rest is not read, so the connection cannot be used again
    return unavailable(detail)
