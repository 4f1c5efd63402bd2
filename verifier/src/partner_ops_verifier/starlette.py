"""Owns the way into Starlette and FastAPI: a middleware around a whole application, or a dependency of one route.

Refuses by RFC 6750, before the application is asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from partner_ops_verifier.answers import refusal, sent_token, url_path
from partner_ops_verifier.async_verifier import AsyncVerifier
from partner_ops_verifier.errors import VerifierError
from partner_ops_verifier.session import Session

STATE: Final = "partner_ops_session"


class BearerMiddleware:
    """Lets in whoever has a good session JWT; `open_paths` are open to everybody. `session_of` has the Session.

    A browser asks by a preflight request, without a token, whether it may ask: CORS belongs outside of this.
    """

    def __init__(self, app: ASGIApp, verifier: AsyncVerifier, open_paths: Collection[str] = ()) -> None:
        self._app = app
        self._verifier = verifier
        self._open_paths = frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] not in ("http", "websocket") or scope["path"] in self._open_paths:
            await self._app(scope, receive, send)
            return
        try:
            session = await _verified(scope, self._verifier)
        except VerifierError as error:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008, "reason": error.code})
            else:
                await answer(error)(scope, receive, send)
            return
        await self._app({**scope, "state": {**scope.get("state", {}), STATE: session}}, receive, send)


class Bearer:
    """Dependencies: `Depends(bearer.session)`, `Depends(bearer.right("reports:read"))`; in Starlette, awaited."""

    def __init__(self, verifier: AsyncVerifier) -> None:
        self._verifier = verifier

    async def session(self, request: Request) -> Session:
        """The Session of this request. Raises `HTTPException`: 401, 503."""
        try:
            return await _verified(request.scope, self._verifier)
        except VerifierError as error:
            raise _raised(error) from None

    def right(self, right: str, *, of: str = "client_org") -> Callable[[Request], Awaitable[Session]]:
        """As `session`, with this right of the Client which the path's parameter `of` names. Raises 403 too."""

        async def permitted(request: Request) -> Session:
            session = await self.session(request)
            try:
                session.require(request.path_params[of], right)
            except VerifierError as error:
                raise _raised(error) from None
            return session

        return permitted


def session_of(connection: HTTPConnection) -> Session:
    """The Session that `BearerMiddleware` found. Raises `LookupError` where it was not asked."""
    session = connection.scope.get("state", {}).get(STATE)
    if not isinstance(session, Session):
        raise LookupError("BearerMiddleware is not in front of this")
    return session


def answer(error: VerifierError) -> Response:
    """As a response."""
    found = refusal(error)
    return Response(found.body, found.status, dict(found.headers))


async def answered(request: Request, error: Exception) -> Response:
    """For `exception_handlers={VerifierError: answered}`: what `session.require` raises becomes a 403."""
    if not isinstance(error, VerifierError):
        raise error
    return answer(error)


async def _verified(scope: Scope, verifier: AsyncVerifier) -> Session:
    headers = Headers(scope=scope)
    token, proof = sent_token(headers.getlist("authorization"), headers.getlist("dpop"))
    raw = scope.get("raw_path")
    path = url_path(scope["path"]) if raw is None else raw.decode("latin-1").partition("?")[0]
    return await verifier.verify(token, proof=proof, method=scope.get("method", "GET"), url=verifier.url_of(path))


def _raised(error: VerifierError) -> HTTPException:
    found = refusal(error)
    headers = {name: value for name, value in found.headers.items() if name != "Content-Type"}
    return HTTPException(found.status, error.sentence, headers)
