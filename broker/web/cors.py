"""Owns which pages of other sites may read an answer: the Application's own.

Refuses credentials: a browser sends no cookie along.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from broker.domain.ids import ApplicationId
from broker.web import context


async def allow_registered_origin(request: Request, application_id: ApplicationId, response: Response) -> None:
    """Allow the page that asks, if its origin is that of a registered redirect target of the Application's."""
    asked = request.headers.get("origin")
    if asked is None:
        return
    application = await context.web_of(request).ports.store.application(application_id)
    origins = {f"{u.scheme}://{u.netloc}" for u in map(urlsplit, application.redirect_uris if application else ())}
    response.headers["Vary"] = "Origin"
    if asked in origins:
        response.headers["Access-Control-Allow-Origin"] = asked
