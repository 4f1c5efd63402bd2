"""HTTP of a service's own: whatever it raises, following does not end; after closing, nothing is begun again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import aiohttp
import pytest

from partner_ops_verifier import AsyncVerifier, Feed, TokenRefused, Verifier
from partner_ops_verifier.aiohttp import AiohttpHttp
from partner_ops_verifier.http import Answer, AsyncStream, Request, Stream
from partner_ops_verifier.stdlib_http import StdlibHttp
from partner_ops_verifier.testing import AUDIENCE
from tests.verifier.issuer import APPLICATION, SECRET, LocalIssuer, local_issuer

PATIENCE = 20.0
FEED = Feed(application_id=APPLICATION, secret=SECRET)


@pytest.fixture
def issuer() -> Iterator[LocalIssuer]:
    with local_issuer() as issuer:
        yield issuer


class Clumsy:
    """An `Http` that raises at first what it should not."""

    def __init__(self) -> None:
        self._http = StdlibHttp()
        self.opened = 0

    def fetch(self, request: Request) -> Answer:
        return self._http.fetch(request)

    def open(self, request: Request) -> Stream:
        self.opened += 1
        if self.opened == 1:
            raise KeyError("a mistake of its own")
        return self._http.open(request)


class ClumsyAsync:
    """The same for asyncio."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._http = AiohttpHttp(session)
        self.opened = 0

    async def fetch(self, request: Request) -> Answer:
        return await self._http.fetch(request)

    async def open(self, request: Request) -> AsyncStream:
        self.opened += 1
        if self.opened == 1:
            raise KeyError("a mistake of its own")
        return await self._http.open(request)


def test_a_thread_follows_on(issuer: LocalIssuer) -> None:
    """And ends when it is told so."""
    token, http = issuer.tokens.mint("usr_ada"), Clumsy()
    issuer.revoke("sub", "usr_ada")
    verifier = Verifier(issuer.url, AUDIENCE, feed=FEED, http=http)
    begun = time.monotonic()
    with pytest.raises(TokenRefused):
        while time.monotonic() - begun < PATIENCE:
            verifier.verify(token)
            time.sleep(0.01)
    verifier.close()
    opened = http.opened
    verifier.verify(issuer.tokens.mint("usr_grace"))
    verifier.close()

    assert opened == http.opened == 2


@pytest.mark.anyio
async def test_a_task_follows_on(issuer: LocalIssuer) -> None:
    """And ends when it is told so."""
    token = issuer.tokens.mint("usr_ada")
    issuer.revoke("sub", "usr_ada")
    async with aiohttp.ClientSession() as session:
        http = ClumsyAsync(session)
        verifier = AsyncVerifier(issuer.url, AUDIENCE, feed=FEED, http=http)
        with pytest.raises(TokenRefused):
            async with asyncio.timeout(PATIENCE):
                while True:
                    await verifier.verify(token)
                    await asyncio.sleep(0.01)
        await verifier.close()
        await verifier.verify(issuer.tokens.mint("usr_grace"))
        await verifier.close()

    assert http.opened == 2
