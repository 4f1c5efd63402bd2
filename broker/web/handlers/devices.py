"""Owns `/device`, where a person lets in a device without a browser, and where such a device begins (RFC 8628)."""

from __future__ import annotations

from dataclasses import asdict

import orjson
from starlette.requests import Request
from starlette.responses import Response

from broker.domain import scope
from broker.domain.authorize_request import Parameters
from broker.domain.device_request import typed_user_code
from broker.domain.errors import OAuthRefusal, Refusal
from broker.domain.own_page import DEVICE
from broker.domain.own_page import device_page as device_page_of
from broker.flows.connections.show import show_connections
from broker.flows.devices.answer import answer_device
from broker.flows.devices.begin import begin_device
from broker.flows.devices.waiting import DeviceAsks, waiting_device
from broker.flows.found import LiveSession
from broker.web import context
from broker.web.credentials import credentials_of
from broker.web.errors import NotOnForm, TooMany
from broker.web.handlers.shown import clients_of, name_of, wanted_of
from broker.web.pages.views import DeviceAnsweredView, DeviceCodeView, DeviceConfirmView
from broker.web.parameters import form_of, one, query_of

ANSWER = "/device/answer"
GUESSES = 10
PER_SECONDS = 600
"""So many wrong codes one User may enter in as long as a code lives (RFC 8628 section 5.1); then comes a 429."""
_LONGEST = 32


async def device_authorization(request: Request) -> Response:
    """A device begins (RFC 8628 section 3.1)."""
    form = await form_of(request)
    credentials = credentials_of(request, form)
    if "resource" in form:
        raise OAuthRefusal("invalid_target", "An application's audience is fixed; resource is not supported.")
    ports = context.web_of(request).ports
    told = await begin_device(
        credentials,
        one(form, "scope"),
        one(form, "organization"),
        ports,
        request_id=context.request_id_of(request),
    )
    return Response(orjson.dumps(asdict(told)), media_type="application/json")


async def device_page(request: Request) -> Response:
    """Enter the code. One in the query is filled in, and nothing more: a link alone lets nobody in (section 5.4)."""
    user_code = typed_user_code(one(query_of(request), "user_code", longest=_LONGEST) or "")
    page = device_page_of(user_code)
    session = await context.require_signed_in(request, page=page)
    context.require_acceptance(request, session, page=page)
    return context.page(await _code_view(request, session, user_code or ""))


async def device_code(request: Request) -> Response:
    """The code is entered: show who asks, and for what."""
    session, form = await context.posted(request, page=DEVICE)
    context.require_acceptance(request, session, page=DEVICE)
    asks = await _known(request, session, form)
    ports = context.web_of(request).ports
    shown = await show_connections(session.user.id, ports)
    view = DeviceConfirmView(
        shell=context.shell(request, session, name=name_of(shown)),
        action=ANSWER,
        user_code=asks.user_code,
        application=asks.application.name,
        third_party=not asks.application.first_party,
        attributes=wanted_of(request, session, shown, asks.clients, asks.request.scopes),
        clients=clients_of(asks.held, asks.clients),
        narrowed=asks.request.organization is not None,
        while_away=scope.OFFLINE_ACCESS in asks.request.scopes,
    )
    return context.page(view)


async def device_answer(request: Request) -> Response:
    """ "Allow" or "Do not allow"."""
    session, form = await context.posted(request, page=DEVICE)
    context.require_acceptance(request, session, page=DEVICE)
    decision = one(form, "decision")
    if decision not in ("allow", "deny"):
        raise Refusal("invalid_request", "This page was not sent as it should be.", detail="no decision")
    asks = await _known(request, session, form, allow=decision == "allow")
    shown = await show_connections(session.user.id, context.web_of(request).ports)
    shell = context.shell(request, session, name=name_of(shown))
    return context.page(DeviceAnsweredView(shell=shell, application=asks.application.name, allowed=decision == "allow"))


async def _known(request: Request, session: LiveSession, form: Parameters, *, allow: bool | None = None) -> DeviceAsks:
    """The device that waits behind the code in the form; with `allow`, answered. A wrong code shows the form again."""
    web = context.web_of(request)
    guesses = f"device_code|{session.user.id}"
    if (wait := web.counters.blocked(guesses)) > 0:
        raise TooMany(wait)
    typed = one(form, "user_code", longest=_LONGEST) or ""
    try:
        if allow is None:
            return await waiting_device(typed, session, web.ports)
        return await answer_device(typed, session, web.ports, allow=allow, request_id=context.request_id_of(request))
    except Refusal as refusal:
        if refusal.code != "unknown_user_code":
            raise
        if (over := await web.counters.hit(guesses, GUESSES, PER_SECONDS)) is not None:
            raise TooMany(over) from None
        raise NotOnForm(refusal, await _code_view(request, session, typed, wrong=True)) from None


async def _code_view(request: Request, session: LiveSession, typed: str, *, wrong: bool = False) -> DeviceCodeView:
    shown = await show_connections(session.user.id, context.web_of(request).ports)
    shell = context.shell(request, session, name=name_of(shown))
    return DeviceCodeView(shell=shell, action=DEVICE, typed=typed, wrong=wrong)
