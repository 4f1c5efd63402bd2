"""Owns what an Application says and asks about tokens that it has: `/oauth/revoke`, `/oauth/introspect`."""

from __future__ import annotations

import orjson
from starlette.requests import Request
from starlette.responses import Response

from broker.domain.authorize_request import Parameters
from broker.domain.errors import OAuthRefusal
from broker.flows.tokens.introspect import introspect
from broker.flows.tokens.revoke import revoke_token
from broker.web import context
from broker.web.cors import allow_registered_origin
from broker.web.credentials import credentials_of
from broker.web.parameters import form_of, one

LONGEST_TOKEN = 64 * 1024
"""Characters: whatever a body can hold. What is too long to be a token of ours is a token that nobody knows."""


async def revoke_endpoint(request: Request) -> Response:
    """RFC 7009 section 2: 200 without a body, whatever became of the token."""
    form = await form_of(request)
    credentials = credentials_of(request, form)
    token = _token_of(form)
    await revoke_token(credentials, token, context.web_of(request).ports, request_id=context.request_id_of(request))
    response = Response()
    await allow_registered_origin(request, credentials.application_id, response)
    return response


async def introspect_endpoint(request: Request) -> Response:
    """RFC 7662 section 2. Never a signed answer (RFC 9701), whatever `Accept` says."""
    form = await form_of(request)
    told = await introspect(credentials_of(request, form), _token_of(form), context.web_of(request).ports)
    return Response(orjson.dumps(told), media_type="application/json")


def _token_of(form: Parameters) -> str:
    token = one(form, "token", longest=LONGEST_TOKEN)
    if token is None:
        raise OAuthRefusal("invalid_request", "token is missing.")
    one(form, "token_type_hint")  # once, like every parameter; the token itself says what it is
    return token
