"""Owns what is the same for every request: its id, its headers, its size, its log line, and that no error escapes.

Published documents are answered here, from memory, before anything else is looked at.
Refuses bodies above the limit, and to log a query, a body or a header.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from broker.domain.errors import Refusal
from broker.web.measure import Measures

MAX_BODY = 64 * 1024
"""Bytes. The largest form we take is a token request of a few hundred."""

_READ = ("GET", "HEAD", "OPTIONS")
"""How a published document can be asked for."""

_log = structlog.get_logger("broker.request")

HTML_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action {}"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """A document answered from memory. `headers` are complete, `etag` among them."""

    body: bytes = field(repr=False)
    etag: bytes
    headers: tuple[tuple[bytes, bytes], ...]


class Surface:
    """The outermost ASGI application."""

    def __init__(self, app: ASGIApp, *, measures: Measures, published: Mapping[str, Published], secure: bool) -> None:
        self._app = app
        self.end_streams: Callable[[], None] = _no_streams
        self._measures = measures
        self.published = dict(published)
        # A form's post is redirected to a Provider and on to an Application; Chromium holds `form-action` against each
        # hop, and which hosts a Provider passes through is its own affair: any https one (loopback in development).
        targets = "'self' https:" if secure else "'self' https: http://localhost:* http://127.0.0.1:*"
        self._html = [(b"content-security-policy", HTML_POLICY.format(targets).encode()), *_HTML_HEADERS]
        if secure:
            self._html.append((b"strict-transport-security", b"max-age=31536000; includeSubDomains"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        document = self.published.get(scope["path"])
        if document is not None:
            if scope["method"] in _READ:
                await _answer_from_memory(document, scope, send)
                return
            scope["allow"] = ", ".join(_READ)  # no route is there: what answers that says 405 rather than 404
        await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["request_id"] = secrets.token_hex(8)
        started = time.perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._add_headers(message, scope["request_id"])
                if "streams" in scope:  # it is answered now, and may last for hours
                    self._tell(scope, status, time.perf_counter() - started)
            await send(message)

        try:
            await self._app(scope, _limited(scope, receive), send_with_headers)
        finally:
            if "streams" not in scope:
                self._tell(scope, status, time.perf_counter() - started)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        route = scope.get("route_name", "none")
        self._measures.answered(route, status, seconds)
        _log.info(
            "request",
            route=route,
            method=scope["method"],
            status=status,
            ms=round(seconds * 1000, 1),
            request_id=scope["request_id"],
        )

    def _add_headers(self, message: Message, request_id: str) -> None:
        headers: list[tuple[bytes, bytes]] = message["headers"]
        there = dict(headers)
        headers += ((b"x-request-id", request_id.encode()), (b"x-content-type-options", b"nosniff"))
        if b"cache-control" not in there:
            headers.append((b"cache-control", b"no-store"))
        if there.get(b"content-type", b"").startswith(b"text/html"):
            headers += [header for header in self._html if header[0] not in there]
        else:
            headers.append((b"referrer-policy", b"no-referrer"))


def _no_streams() -> None:
    """None are open before the application has started."""


_HTML_HEADERS = (
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)


def publish(body: bytes, content_type: str, cache_control: str, etag: str, *, any_origin: bool) -> Published:
    """A document ready to be answered. `any_origin`: scripts of other sites may read it (CORS)."""
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", cache_control.encode()),
        (b"etag", etag.encode()),
        (b"x-content-type-options", b"nosniff"),
    ]
    if any_origin:
        headers.append((b"access-control-allow-origin", b"*"))
    return Published(body=body, etag=etag.encode(), headers=tuple(headers))


async def _answer_from_memory(document: Published, scope: Scope, send: Send) -> None:
    if scope["method"] == "OPTIONS":  # RFC 9110 section 9.3.7; where any origin may read, a preflight is told so
        cors = [header for header in document.headers if header[0].startswith(b"access-control-")]
        told = [(b"allow", ", ".join(_READ).encode()), *cors]
        await send({"type": "http.response.start", "status": 204, "headers": told})
        await send({"type": "http.response.body", "body": b""})
        return
    unchanged = any(name == b"if-none-match" and document.etag in value for name, value in scope["headers"])
    status, body = (304, b"") if unchanged else (200, document.body)
    headers = [h for h in document.headers if h[0] != b"content-length"] if unchanged else document.headers
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _limited(scope: Scope, receive: Receive) -> Callable[[], Awaitable[Message]]:
    """`receive`, which raises `Refusal` once more than `MAX_BODY` bytes have come or were announced."""
    announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    too_large = not announced.isdigit() or int(announced[:12]) > MAX_BODY
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            if too_large or taken > MAX_BODY:
                raise Refusal("too_large", "The request is too large.")
        return message

    return limited
