"""The revocation endpoint, with Google's reach: any token ends the whole grant.

Unlike RFC 7009 section 2.2, and like Google, it says 400 for a token that is dead already.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from broker.demo.provider.forms import form_pairs
from broker.demo.provider.provider import DemoProvider
from broker.demo.provider.token import NO_STORE


async def revoke(provider: DemoProvider, request: Request) -> Response:
    """POST `token`, in the body or in the query; whoever holds it may end it."""
    value = dict(await form_pairs(request)).get("token") or request.query_params.get("token")
    if not value:
        return _error("invalid_request", "Missing required parameter: token")
    now = provider.clock()
    found = provider.store.find_access(value, now) or provider.store.find_refresh(value, now)
    if found is None:
        return _error("invalid_token", "Token expired or revoked")
    provider.store.revoke(found.grant, now)
    return JSONResponse({}, headers=NO_STORE)


def _error(error: str, description: str) -> Response:
    return JSONResponse({"error": error, "error_description": description}, 400, NO_STORE)
