"""Owns `/account/choices`: what the User may allow, and what they did."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from broker.domain.errors import Refusal
from broker.flows.connections.show import ShownConnection, show_connections
from broker.flows.found import LiveSession
from broker.flows.privacy.choices import show_choices
from broker.flows.privacy.choose import Chosen, choose
from broker.web import context
from broker.web.handlers.shown import facts_of, name_of, option_rows, reach_of, settings_of
from broker.web.pages import outcomes, words
from broker.web.pages.agreed_views import ChoicesView
from broker.web.pages.parts import Notice
from broker.web.parameters import one
from broker.web.telling import tell_providers


async def choices_page(request: Request) -> Response:
    """Each thing, why, and since when it is allowed."""
    session = await context.require_signed_in(request)
    shown = await show_connections(session.user.id, context.web_of(request).ports)
    return context.page(await _view(request, session, shown))


async def choose_one(request: Request) -> Response:
    """ "Allow" or "Take back"."""
    session, form = await context.posted(request)
    subject, agreed = one(form, "subject") or "", one(form, "agreed")
    if agreed not in ("yes", "no"):
        raise Refusal("invalid_request", "This page was not sent as it should be.", detail="neither yes nor no")
    ports = context.web_of(request).ports
    chosen = await choose(
        session.user.id, subject, ports, agreed=agreed == "yes", request_id=context.request_id_of(request)
    )
    if chosen.ended:
        await tell_providers(ports)
    shown = await show_connections(session.user.id, ports)
    notice = outcomes.allowed() if agreed == "yes" else _taken_back(request, chosen, shown)
    return context.page(await _view(request, session, shown, notice=notice))


def _taken_back(request: Request, chosen: Chosen, shown: tuple[ShownConnection, ...]) -> Notice:
    ended = [(facts_of(request, c), reach_of(c)) for c in shown if c.connection.id in chosen.ended]
    told = [(facts.label, reach, settings_of(facts)) for facts, reach in ended]
    return outcomes.taken_back(words.attributes(chosen.deleted), told)


async def _view(
    request: Request, session: LiveSession, shown: tuple[ShownConnection, ...], *, notice: Notice | None = None
) -> ChoicesView:
    choices = await show_choices(session.user.id, context.web_of(request).ports)
    return ChoicesView(
        shell=context.shell(request, session, name=name_of(shown)),
        options=option_rows(request, choices.options, choices.since, choices.ends),
        notice=notice,
    )
