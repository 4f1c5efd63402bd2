"""Owns what operators and their machines ask: is it alive, can it work, what has it done."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from broker.web import context, measure


async def healthz(_request: Request) -> Response:
    """The process answers. Nothing else is looked at."""
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> Response:
    """The process can do its work: database, keys. 503 with the problems otherwise."""
    problems = await context.web_of(request).probe.problems()
    if not problems:
        return JSONResponse({"status": "ready"})
    return JSONResponse(
        {"status": "not ready", "problems": list(problems)}, status_code=503, headers={"Retry-After": "5"}
    )


async def metrics(request: Request) -> Response:
    """Prometheus text format."""
    return Response(context.web_of(request).measures.text(), headers={"content-type": measure.CONTENT_TYPE})
