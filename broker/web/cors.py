"""Owns which pages of other sites may read an answer: the Application's own.

Refuses credentials: a browser sends no cookie along.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from broker.domain.application import Application
from broker.domain.ids import ApplicationId
from broker.web import context

_MAX_AGE = 7200
"""Seconds that a browser need not ask again; Chromium's own limit."""


async def preflight(_request: Request) -> Response:
    """Any page may ask with these headers (Fetch section 4.8): it does not say for which Application it is.

    What it gains is a request that any software can send. Whether it may read the answer is said with the answer.
    """
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Headers": "Authorization, Content-Type, DPoP",
        "Access-Control-Max-Age": str(_MAX_AGE),
    }
    return Response(status_code=204, headers=headers)


async def allow_registered_origin(request: Request, application_id: ApplicationId, response: Response) -> None:
    """Allow the page that asks, if its origin is that of a registered redirect target of the Application's."""
    if "origin" in request.headers:
        allow_origin(request, await context.web_of(request).ports.store.application(application_id), response)


def allow_origin(request: Request, application: Application | None, response: Response) -> None:
    """As `allow_registered_origin`, for one that was read already."""
    asked = request.headers.get("origin")
    if asked is None:
        return
    origins = {f"{u.scheme}://{u.netloc}" for u in map(urlsplit, application.redirect_uris if application else ())}
    response.headers["Vary"] = "Origin"
    if asked in origins:
        response.headers["Access-Control-Allow-Origin"] = asked
        response.headers["Access-Control-Expose-Headers"] = "WWW-Authenticate"
