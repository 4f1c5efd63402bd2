"""The demo downstream service: reports for a Client, to Users whom that Client gave the right to read them.

Trusts the session JWT alone for who and what, asks the broker only whether it still stands, and fails closed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from broker.demo.calls import Call, Unreachable, call
from broker.demo.published import Published
from broker.demo.signed import SESSION_JWT_TYPES, NotValid, check

READ_REPORTS = "reports:read"
NO_STORE = {"Cache-Control": "no-store"}


class Refused(Exception):
    """An answer other than 200; `error` is None where RFC 6750 section 3.1 wants no code."""

    def __init__(self, status: int, error: str | None, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.error = error
        self.reason = reason


def create_downstream(
    *,
    issuer: str,
    audience: str,
    right: str = READ_REPORTS,
    call: Call = call,
    clock: Callable[[], int] = lambda: int(time.time()),
) -> Starlette:
    """The service as an ASGI app: `GET /reports/{client_org}` with a session JWT made for `audience`.

    200 with `client_org`, `user`, `rights` and `report`; else RFC 6750 errors as JSON, `error` and `error_description`.
    """
    published = Published(issuer=issuer, call=call, clock=clock)

    async def reports(request: Request) -> Response:
        client_org = request.path_params["client_org"]
        try:
            token = _bearer(request)
            claims = await _checked(token, published, audience=audience, now=clock())
            rights = _rights(claims, client_org)
            if right not in rights:
                raise Refused(403, "insufficient_scope", _no_right(claims, client_org, right))
            await _still_stands(token, claims, published, call)
        except Refused as refusal:
            return _refusal(refusal, right)
        report = f"Twelve invoices, all paid. Written for {client_org}."
        return JSONResponse(
            {"client_org": client_org, "user": claims["sub"], "rights": rights, "report": report},
            headers=NO_STORE,
        )

    return Starlette(routes=[Route("/reports/{client_org}", reports, methods=["GET"])])


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused(401, None, "No session JWT was sent.")
    return token


async def _checked(token: str, published: Published, *, audience: str, now: int) -> Mapping[str, Any]:
    try:
        return await check(token, published, audience=audience, types=SESSION_JWT_TYPES, now=now)
    except NotValid as refusal:
        raise Refused(401, "invalid_token", f"The session JWT is refused. {refusal.reason}") from None
    except Unreachable:
        raise Refused(503, "temporarily_unavailable", "The broker's keys cannot be fetched now.") from None


def _rights(claims: Mapping[str, Any], client_org: str) -> list[str]:
    """The rights that this Client gave; none where the claim is absent, empty or not of the agreed shape."""
    authorizations = claims.get("authorizations")
    rights = authorizations.get(client_org) if isinstance(authorizations, dict) else None
    return [right for right in rights if isinstance(right, str)] if isinstance(rights, list) else []


def _no_right(claims: Mapping[str, Any], client_org: str, right: str) -> str:
    if "authorizations_ref" in claims:
        return "The User has more Authorizations than a session JWT can carry; ask for one organization."
    return f"This Client has not given the User the right {right}."


async def _still_stands(token: str, claims: Mapping[str, Any], published: Published, call: Call) -> None:
    """Ask the broker's userinfo endpoint, for which a revoked session is over before its JWT expires."""
    try:
        answer = await call(await published.endpoint("userinfo_endpoint"), bearer=token)
        stands = answer.status == 200 and answer.json().get("sub") == claims["sub"]
    except Unreachable:
        raise Refused(503, "temporarily_unavailable", "The broker cannot be asked now.") from None
    if stands:
        return
    if answer.status not in (200, 401, 403):
        raise Refused(503, "temporarily_unavailable", "The broker cannot answer now.")
    reason = "The broker says that this session is over: signed out, disconnected or withdrawn."
    raise Refused(401, "invalid_token", reason)


def _refusal(refusal: Refused, right: str) -> Response:
    headers = dict(NO_STORE)
    if refusal.status == 503:
        headers["Retry-After"] = "5"
    else:
        challenge = ['Bearer realm="reports"']
        if refusal.error:
            challenge += [f'error="{refusal.error}"', f'error_description="{refusal.reason}"']
        if refusal.status == 403:
            challenge.append(f'scope="{right}"')
        headers["WWW-Authenticate"] = ", ".join(challenge)
    body = {"error": refusal.error or "missing_token", "error_description": refusal.reason}
    return JSONResponse(body, refusal.status, headers)
