"""An issuer of session JWTs behind a real server, which can be slow, broken, or away: as a verifier meets it.

It has metadata, keys, Authorizations by reference, client credentials, and the feed of revocations.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from partner_ops_verifier.http import Request as Asked
from partner_ops_verifier.testing import SessionTokens
from tests.servers.asgi import serving
from tests.servers.port import reserve

METADATA, KEYS, TOKEN = "/.well-known/openid-configuration", "/.well-known/jwks.json", "/oauth/token"
AUTHORIZATIONS, REVOCATIONS = "/api/v1/authorizations", "/api/v1/revocations"
APPLICATION, SECRET = "reports", "a secret: with + all % kinds of characters"
Document = dict[str, Any]


class LocalIssuer:
    """`asked` counts requests by path. `faults`: path -> what to answer instead. `delay`: seconds before any answer."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.tokens = SessionTokens(issuer=url)
        self.asked: Counter[str] = Counter()
        self.faults: dict[str, Callable[[], Response]] = {}
        self.delay = 0.0
        self.cursor = 100
        self.events: list[tuple[int, Document]] = []
        self.oldest = 0
        self.resumed: list[str | None] = []
        self.heartbeat_every = 0.02
        self.silent = False
        self.cuts = 0
        self.listening = 0
        self.credentials: list[tuple[str, str, str]] = []
        self.good_access = "access-1"

    def app(self) -> Starlette:
        """As ASGI."""
        table: tuple[tuple[str, str, Callable[[Request], Any]], ...] = (
            ("GET", METADATA, self._metadata),
            ("GET", KEYS, self._keys),
            ("POST", TOKEN, self._token),
            ("GET", AUTHORIZATIONS, self._authorizations),
            ("GET", REVOCATIONS, self._revocations),
        )
        return Starlette(
            routes=[Route(path, self._guarded(path, answer), methods=[method]) for method, path, answer in table]
        )

    def revoke(self, claim: str, value: str, **more: int) -> None:
        """Say so in the feed."""
        self.cursor += 1
        document = {"claim": claim, "value": value, "until": int(time.time()) + 400, **more}
        self.events.append((self.cursor, document))

    def forget(self) -> None:
        """Cursors up to now are too old from now on."""
        self.oldest = self.cursor + 1

    def cut(self) -> None:
        """End every stream."""
        self.cuts += 1

    def _guarded(self, path: str, answer: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def guarded(request: Request) -> Response:
            self.asked[path] += 1
            if self.delay:
                await asyncio.sleep(self.delay)
            fault = self.faults.get(path)
            response: Response = fault() if fault is not None else await answer(request)
            return response

        return guarded

    async def _metadata(self, request: Request) -> Response:
        return JSONResponse(
            {"issuer": self.url, "jwks_uri": f"{self.url}{KEYS}", "token_endpoint": f"{self.url}{TOKEN}"}
        )

    async def _keys(self, request: Request) -> Response:
        return JSONResponse({"keys": [key.jwk for key in self.tokens.http.keys]})

    async def _authorizations(self, request: Request) -> Response:
        asked = Asked(url=str(request.url), headers={"Authorization": request.headers.get("authorization", "")})
        found = self.tokens.http.fetch(asked)
        return Response(found.body, found.status)

    async def _token(self, request: Request) -> Response:
        form = parse_qs((await request.body()).decode())
        basic = base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
        name, _, secret = basic.partition(":")
        self.credentials.append((name, secret, form["scope"][0]))
        self.good_access = f"access-{len(self.credentials) + 1}"
        return JSONResponse({"access_token": self.good_access, "token_type": "Bearer", "expires_in": 300})

    async def _revocations(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {self.good_access}":
            return JSONResponse({"error": "invalid_token"}, 401)
        last = request.headers.get("last-event-id")
        self.resumed.append(last)
        return StreamingResponse(self._stream(last), media_type="text/event-stream")

    async def _stream(self, last: str | None) -> AsyncIterator[str]:
        cuts, reached = self.cuts, int(last or 0)
        self.listening += 1
        try:
            if last is None or reached < self.oldest:
                held = [document for _, document in self.events]
                reached = self.cursor
                yield f"event: snapshot\ndata: {json.dumps({'cursor': reached, 'revoked': held})}\n\n"
            beat = 0.0
            while cuts == self.cuts:
                for cursor, document in [event for event in self.events if event[0] > reached]:
                    reached = cursor
                    yield f"id: {cursor}\nevent: revoked\ndata: {json.dumps(document)}\n\n"
                if time.monotonic() - beat > self.heartbeat_every and not self.silent:
                    beat = time.monotonic()
                    yield f"event: heartbeat\ndata: {json.dumps({'at': int(time.time())})}\n\n"
                await asyncio.sleep(0.005)
        finally:
            self.listening -= 1


@contextmanager
def local_issuer() -> Iterator[LocalIssuer]:
    """Serve one until the end."""
    place = reserve()
    issuer = LocalIssuer(place.url)
    with serving(issuer.app(), place):
        yield issuer
        issuer.cut()
