"""Owns what software asks without a browser: `/oauth/token`, `/oauth/userinfo`, `/api/v1/authorizations`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import orjson
from starlette.requests import Request
from starlette.responses import Response

from broker.domain.authorize_request import Parameters
from broker.domain.errors import OAuthRefusal
from broker.domain.session_token import canonical
from broker.domain.token_exchange import Exchange
from broker.flows.authenticated import Credentials
from broker.flows.devices.poll import poll
from broker.flows.issued import Tokens
from broker.flows.ports import Ports
from broker.flows.possession import SentProof
from broker.flows.tokens.authorizations import authorizations
from broker.flows.tokens.exchange import ExchangedToken, exchange
from broker.flows.tokens.for_itself import OwnToken, token_for_itself
from broker.flows.tokens.redeem import Redemption, redeem
from broker.flows.tokens.refresh import Refreshment, refresh
from broker.flows.tokens.userinfo import userinfo
from broker.web import context
from broker.web.cors import allow_origin, allow_registered_origin
from broker.web.credentials import credentials_of, proof_of, token_of
from broker.web.parameters import form_of, one

_NO_CACHE = {"Pragma": "no-cache"}  # RFC 6749 section 5.1


async def token_endpoint(request: Request) -> Response:
    """Every grant (RFC 6749 sections 4.1.3, 4.4.2 and 6; RFC 8628 section 3.4; RFC 8693 section 2)."""
    form = await form_of(request)
    credentials = credentials_of(request, form)
    grant_type = one(form, "grant_type")
    if grant_type is None:
        raise OAuthRefusal("invalid_request", "grant_type is missing.")
    if grant_type not in GRANTS:
        raise OAuthRefusal("unsupported_grant_type", f"There are {', '.join(GRANTS)}.")
    if "resource" in form:
        raise OAuthRefusal("invalid_target", "An application's audience is fixed; resource is not supported.")
    ports = context.web_of(request).ports
    tokens = await GRANTS[grant_type](form, credentials, proof_of(request), ports, context.request_id_of(request))
    told = {name: value for name in tokens.__slots__ if (value := getattr(tokens, name))}
    response = Response(orjson.dumps(told), media_type="application/json", headers=_NO_CACHE)
    await allow_registered_origin(request, credentials.application_id, response)
    return response


async def userinfo_endpoint(request: Request) -> Response:
    """OpenID Connect Core section 5.3.1, by GET or POST with the token in the header (RFC 6750 section 2.1)."""
    told = await userinfo(token_of(request), context.web_of(request).ports, request_id=context.request_id_of(request))
    response = Response(orjson.dumps(told.claims), media_type="application/json")
    allow_origin(request, told.application, response)
    return response


async def authorizations_endpoint(request: Request) -> Response:
    """What a session JWT's `authorizations_ref` points to, in the form that its digest is taken of."""
    rights = await authorizations(token_of(request), context.web_of(request).ports)
    return Response(canonical(rights), media_type="application/json")


async def _redeem(
    form: Parameters, credentials: Credentials, proof: SentProof | None, ports: Ports, request_id: str
) -> Tokens:
    redemption = Redemption(
        code=_required(form, "code"),
        redirect_uri=one(form, "redirect_uri") or "",
        code_verifier=one(form, "code_verifier") or "",
    )
    return await redeem(credentials, redemption, proof, ports, request_id=request_id)


async def _refresh(
    form: Parameters, credentials: Credentials, proof: SentProof | None, ports: Ports, request_id: str
) -> Tokens:
    asked = Refreshment(token=_required(form, "refresh_token"), scope=one(form, "scope"))
    return await refresh(credentials, asked, proof, ports, request_id=request_id)


async def _for_itself(
    form: Parameters, credentials: Credentials, proof: SentProof | None, ports: Ports, _request_id: str
) -> OwnToken:
    return await token_for_itself(credentials, one(form, "scope"), proof, ports)


async def _exchange(
    form: Parameters, credentials: Credentials, proof: SentProof | None, ports: Ports, request_id: str
) -> ExchangedToken:
    asked = Exchange(
        subject_token=_required(form, "subject_token"),
        subject_token_type=_required(form, "subject_token_type"),
        requested_token_type=one(form, "requested_token_type"),
        audiences=tuple(audience for audience in form.get("audience", ()) if audience),
        organization=one(form, "organization"),
        scope=one(form, "scope"),
        by_actor=bool(one(form, "actor_token") or one(form, "actor_token_type")),
    )
    return await exchange(credentials, asked, proof, ports, request_id=request_id)


async def _poll(
    form: Parameters, credentials: Credentials, proof: SentProof | None, ports: Ports, request_id: str
) -> Tokens:
    return await poll(credentials, _required(form, "device_code"), proof, ports, request_id=request_id)


Answer = Tokens | OwnToken | ExchangedToken
GRANTS: dict[str, Callable[[Parameters, Credentials, SentProof | None, Ports, str], Awaitable[Answer]]] = {
    "authorization_code": _redeem,
    "refresh_token": _refresh,
    "client_credentials": _for_itself,
    "urn:ietf:params:oauth:grant-type:device_code": _poll,
    "urn:ietf:params:oauth:grant-type:token-exchange": _exchange,
}
"""By `grant_type`."""


def _required(form: Parameters, name: str) -> str:
    value = one(form, name)
    if value is None:
        raise OAuthRefusal("invalid_request", f"{name} is missing.")
    return value
