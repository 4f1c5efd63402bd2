"""The faults of how an endpoint answers: not at all, too late, too much, or something else altogether.

Changes nothing that is stored: what the endpoint would have done stays undone, but for `slow`, which waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)

LONGEST_HANG_SECONDS = 120  # so that a server which is told to stop does stop
ENDLESS_CHUNK = b"x" * 16 * 1024
REDIRECTED_PATH = "/redirected"


async def misbehave(name: str | None, request: Request, *, issuer: str, slow_seconds: float) -> Response | None:
    """The answer under this fault; None where the endpoint shall answer itself, possibly after a wait."""
    match name:
        case "slow":
            await asyncio.sleep(slow_seconds)
            return None
        case "hang":
            return await _hang(request)
        case "error_500":
            return PlainTextResponse("Internal Server Error", 500)
        case "html_200":
            return HTMLResponse("<!doctype html><title>Sign in</title><p>Please sign in to the network.</p>")
        case "token_error_200":
            return JSONResponse({"error": "invalid_grant", "error_description": "Bad Request"})
        case "redirect":
            return RedirectResponse(issuer + REDIRECTED_PATH, 302)
        case "endless_body":
            return StreamingResponse(_endless(), media_type="application/json")
        case _:
            return None


async def _hang(request: Request) -> Response:
    await request.body()
    with suppress(TimeoutError):
        async with asyncio.timeout(LONGEST_HANG_SECONDS):
            while (await request.receive())["type"] != "http.disconnect":
                pass
    return PlainTextResponse("Gateway Timeout", 504)


async def _endless() -> AsyncIterator[bytes]:
    yield b'{"access_token": "'
    while True:
        yield ENDLESS_CHUNK
        await asyncio.sleep(0.005)
