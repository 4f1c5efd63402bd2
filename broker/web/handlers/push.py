"""Owns where an Application pushes its authorize request before it sends the browser: `/oauth/par`."""

from __future__ import annotations

import orjson
from starlette.requests import Request
from starlette.responses import Response

from broker.domain.pushed_request import LIFETIME
from broker.flows.sign_in.push import push
from broker.web import context
from broker.web.cors import allow_registered_origin
from broker.web.credentials import credentials_of, proof_of
from broker.web.parameters import form_of


async def push_endpoint(request: Request) -> Response:
    """RFC 9126 section 2, and RFC 9449 section 10.1 where a proof comes along."""
    form = await form_of(request)
    credentials = credentials_of(request, form)
    request_uri = await push(credentials, form, proof_of(request), context.web_of(request).ports)
    told = {"request_uri": request_uri, "expires_in": LIFETIME}
    response = Response(orjson.dumps(told), status_code=201, media_type="application/json")
    await allow_registered_origin(request, credentials.application_id, response)
    return response
