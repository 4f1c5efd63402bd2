"""A service for Starlette, and FastAPI alike. Needs partner-ops-verifier with its extra `starlette`."""

from __future__ import annotations

import os

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from partner_ops_verifier import AsyncVerifier, Feed
from partner_ops_verifier.starlette import Bearer


def create_service(verifier: AsyncVerifier) -> Starlette:
    """Reports of a Client, for whom that Client gave the right to read them."""
    bearer = Bearer(verifier)
    reader = bearer.right("reports:read", of="client_org")  # in FastAPI: Depends(reader)

    async def report(request: Request) -> JSONResponse:
        session = await reader(request)
        return JSONResponse({"client_org": request.path_params["client_org"], "for": session.user})

    return Starlette(routes=[Route("/reports/{client_org}", report)])


def create_verifier() -> AsyncVerifier:
    """Hears of revocations within seconds, and accepts nothing after a minute in which it heard nothing."""
    feed = Feed(application_id="reports", secret=os.environ["REPORTS_SECRET"], closed_after=60)
    return AsyncVerifier("https://id.partner-ops.example", "https://reports.partner-ops.example", feed=feed)
