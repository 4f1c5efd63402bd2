"""Owns `/account/choices`: what the User may allow, and what they did."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from broker.domain.errors import Refusal
from broker.flows.connections.show import show_connections
from broker.flows.found import LiveSession
from broker.flows.privacy.choices import show_choices
from broker.flows.privacy.choose import choose
from broker.web import context
from broker.web.handlers.shown import name_of, option_rows
from broker.web.pages import outcomes, words
from broker.web.pages.agreed_views import ChoicesView
from broker.web.pages.parts import Notice
from broker.web.parameters import one


async def choices_page(request: Request) -> Response:
    """Each thing, why, and since when it is allowed."""
    session = await context.require_signed_in(request)
    return context.page(await _view(request, session))


async def choose_one(request: Request) -> Response:
    """ "Allow" or "Take back"."""
    session, form = await context.posted(request)
    subject, agreed = one(form, "subject") or "", one(form, "agreed")
    if agreed not in ("yes", "no"):
        raise Refusal("invalid_request", "This page was not sent as it should be.", detail="neither yes nor no")
    ports = context.web_of(request).ports
    gone = await choose(
        session.user.id, subject, ports, agreed=agreed == "yes", request_id=context.request_id_of(request)
    )
    notice = outcomes.allowed() if agreed == "yes" else outcomes.taken_back(words.attributes(gone))
    return context.page(await _view(request, session, notice=notice))


async def _view(request: Request, session: LiveSession, *, notice: Notice | None = None) -> ChoicesView:
    ports = context.web_of(request).ports
    choices = await show_choices(session.user.id, ports)
    shown = await show_connections(session.user.id, ports)
    return ChoicesView(
        shell=context.shell(request, session, name=name_of(shown)),
        options=option_rows(request, choices.options, choices.since),
        notice=notice,
    )
