"""The userinfo endpoint: what an access token lets one know about a person.

Refuses tokens in the query (RFC 9700 section 4.3.2).
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from broker.demo.provider.id_token import userinfo_claims
from broker.demo.provider.provider import DemoProvider
from broker.demo.provider.token import NO_STORE


async def userinfo(provider: DemoProvider, request: Request) -> Response:
    """GET or POST with a Bearer token (OpenID Connect Core section 5.3)."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return _unauthorised(None, "Send an access token.")
    token = provider.store.find_access(value, provider.clock())
    if token is None or "openid" not in token.scopes:
        return _unauthorised("invalid_token", "Invalid Credentials")
    claims = userinfo_claims(provider, token.grant, token.scopes)
    fault = provider.fault_for(token.fault)
    if fault and fault.userinfo:
        claims = fault.userinfo(claims)
    return JSONResponse(claims, headers=NO_STORE)


def _unauthorised(error: str | None, description: str) -> Response:
    challenge = 'Bearer realm="userinfo"' + (f', error="{error}"' if error else "")
    body = {"error": error or "invalid_request", "error_description": description}
    return JSONResponse(body, 401, NO_STORE | {"WWW-Authenticate": challenge})
