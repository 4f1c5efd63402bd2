"""Starlette and FastAPI: the middleware and the dependencies answer as RFC 6750 says, and hand the Session on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Message
from starlette.websockets import WebSocket

from partner_ops_verifier import Session, VerifierError
from partner_ops_verifier.starlette import Bearer, BearerMiddleware, answered, session_of
from partner_ops_verifier.testing import SessionTokens
from tests.verifier.frameworks import NAMES, RIGHTS, cases

pytestmark = pytest.mark.anyio

Build = Callable[[SessionTokens], Starlette]


def told(session: Session) -> Response:
    return JSONResponse({"user": session.user})


def with_dependencies(tokens: SessionTokens) -> Starlette:
    bearer = Bearer(tokens.async_verifier())
    permitted: Callable[[Request], Awaitable[Session]] = bearer.right("reports:read")

    async def me(request: Request) -> Response:
        return told(await bearer.session(request))

    async def reports(request: Request) -> Response:
        return told(await permitted(request))

    return Starlette(routes=[Route("/me", me), Route("/reports/{client_org}", reports)])


def with_middleware(tokens: SessionTokens) -> Starlette:
    async def me(request: Request) -> Response:
        return told(session_of(request))

    async def reports(request: Request) -> Response:
        session_of(request).require(request.path_params["client_org"], "reports:read")
        return told(session_of(request))

    async def health(request: Request) -> Response:
        with pytest.raises(LookupError):
            session_of(request)
        return Response("well")

    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(session_of(socket).user)
        await socket.close()

    return Starlette(
        routes=[
            Route("/me", me),
            Route("/reports/{client_org}", reports),
            Route("/healthz", health),
            WebSocketRoute("/talk", talk),
        ],
        middleware=[Middleware(BearerMiddleware, verifier=tokens.async_verifier(), open_paths=["/healthz"])],
        exception_handlers={VerifierError: answered},
    )


async def speak(app: Starlette) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://service") as http:
        yield http


@pytest.mark.parametrize("build", [with_dependencies, with_middleware])
@pytest.mark.parametrize("name", NAMES)
async def test_each_request_is_answered(session_tokens: SessionTokens, build: Build, name: str) -> None:
    """Let in, refused, or not permitted."""
    case = cases(session_tokens)[name]
    async for http in speak(build(session_tokens)):
        answer = await http.get(case.path, headers=case.headers)

        assert answer.status_code == case.status
        assert answer.headers.get("www-authenticate", "").startswith(case.challenge or "")
        assert (answer.status_code == 200) == ("user" in answer.text)


@pytest.mark.parametrize("build", [with_dependencies, with_middleware])
async def test_when_nobody_can_tell_it_says_when_to_ask_again(session_tokens: SessionTokens, build: Build) -> None:
    """503, and no challenge."""
    session_tokens.http.down = True
    async for http in speak(build(session_tokens)):
        for path in ("/me", "/reports/acme"):
            answer = await http.get(path, headers={"Authorization": f"Bearer {session_tokens.mint()}"})

            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert "www-authenticate" not in answer.headers


async def test_two_headers_are_refused(session_tokens: SessionTokens) -> None:
    """Whichever is the good one."""
    good = ("Authorization", f"Bearer {session_tokens.mint()}")
    for build in (with_dependencies, with_middleware):
        async for http in speak(build(session_tokens)):
            assert (await http.get("/me", headers=[good, good])).status_code == 401


async def test_an_open_path_is_open(session_tokens: SessionTokens) -> None:
    """That one, and none below it."""
    async for http in speak(with_middleware(session_tokens)):
        assert (await http.get("/healthz")).text == "well"
        assert (await http.get("/healthz/")).status_code == 401


async def test_a_websocket_is_let_in_or_closed(session_tokens: SessionTokens) -> None:
    """Before it is accepted (RFC 6455 section 7.4.1: 1008 is a matter of policy)."""
    app = with_middleware(session_tokens)

    async def talked(**headers: str) -> list[Message]:
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "websocket.connect"}

        async def send(message: Message) -> None:
            sent.append(message)

        listed = [(name.encode(), value.encode()) for name, value in headers.items()]
        await app(
            {"type": "websocket", "path": "/talk", "headers": listed, "query_string": b"", "subprotocols": []},
            receive,
            send,
        )
        return sent

    assert [message["type"] for message in await talked()] == ["websocket.close"]
    accepted = await talked(authorization=f"Bearer {session_tokens.mint('usr_ada', RIGHTS)}")
    assert accepted[1]["text"] == "usr_ada"
    assert (await talked())[0]["code"] == 1008


async def test_an_error_of_another_kind_is_not_answered() -> None:
    """The handler is for what this distribution raises."""
    with pytest.raises(ValueError, match="another"):
        await answered(Request({"type": "http"}), ValueError("another"))
