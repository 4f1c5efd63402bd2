"""Owns `/oauth/authorize` and the consent page of third-party Applications."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from broker.domain import scope
from broker.domain.attempt import Purpose
from broker.domain.authorize_request import Parameters
from broker.domain.errors import Refusal
from broker.domain.request_refused import refuse
from broker.flows.connections.show import show_connections
from broker.flows.found import LiveSession
from broker.flows.sign_in.authorize import Answered, ConsentNeeded, SignInNeeded, authorize
from broker.flows.sign_in.begin import begin
from broker.flows.sign_in.choose import choose
from broker.web import context
from broker.web.handlers.shown import clients_of, name_of, wanted_of
from broker.web.handlers.sign_in import depart
from broker.web.pages.views import ConsentView
from broker.web.parameters import as_query, form_of, of_authorize_request, one, query_of

CONSENT = "/oauth/consent"


async def authorize_endpoint(request: Request) -> Response:
    """GET or POST, as OpenID Connect Core section 3.1.2.1 demands."""
    posted = request.method == "POST"
    parameters = of_authorize_request(await form_of(request) if posted else query_of(request))
    if posted and context.web_of(request).cookies.session not in request.cookies:
        # Of a post from another site browsers withhold the cookie (RFC 6265bis section 5.5); by GET it comes along.
        return RedirectResponse(f"/oauth/authorize?{as_query(parameters)}", status_code=303)
    session = await context.signed_in(request)
    return await _go_on(request, parameters, session, allow=False)


async def consent_page(request: Request) -> Response:
    """Ask the User, or go on when there is nothing to ask."""
    parameters = of_authorize_request(query_of(request))
    session = await context.require_signed_in(request)
    web = context.web_of(request)
    outcome = await authorize(parameters, session, web.ports, request_id=context.request_id_of(request))
    if isinstance(outcome, ConsentNeeded):
        return context.page(await _consent_view(request, session, outcome))
    return await _onward(request, session, outcome)


async def consent_decision(request: Request) -> Response:
    """ "Allow" or "Deny"."""
    session, form = await context.posted(request)
    parameters = of_authorize_request(form)
    if one(form, "decision") == "allow":
        return await _go_on(request, parameters, session, allow=True)
    asked = (await choose(parameters, context.web_of(request).ports)).request
    if asked is None:
        raise Refusal("invalid_request", "This page was not sent as it should be.", detail="no authorize request")
    raise refuse(asked, "access_denied", "The person did not allow it.")


async def _go_on(request: Request, parameters: Parameters, session: LiveSession | None, *, allow: bool) -> Response:
    web = context.web_of(request)
    outcome = await authorize(parameters, session, web.ports, allow=allow, request_id=context.request_id_of(request))
    if isinstance(outcome, ConsentNeeded):
        return RedirectResponse(f"{CONSENT}?{outcome.query}", status_code=303)
    return await _onward(request, session, outcome)


async def _onward(request: Request, session: LiveSession | None, outcome: Answered | SignInNeeded) -> Response:
    """To the Application; or to the choice of Providers, or straight to the one that the Application named."""
    if isinstance(outcome, Answered):
        return context.sent(request, outcome)
    web = context.web_of(request)
    chosen = outcome.request.provider
    if chosen is not None and chosen in web.ports.upstream.registrations:
        return depart(request, await begin(chosen, Purpose.SIGN_IN, outcome.request, session, web.ports))
    notice = "&notice=documents" if outcome.documents else ""
    return RedirectResponse(f"/sign-in?{outcome.query}{notice}", status_code=303)


async def _consent_view(request: Request, session: LiveSession, needed: ConsentNeeded) -> ConsentView:
    web = context.web_of(request)
    held = await web.ports.store.held_authorizations(session.user.id)
    shown = await show_connections(session.user.id, web.ports)
    return ConsentView(
        shell=context.shell(request, session, name=name_of(shown)),
        action=CONSENT,
        application=needed.application.name,
        attributes=wanted_of(request, session, shown, needed.clients, needed.request.scopes),
        clients=clients_of(held, needed.clients),
        hidden=tuple(parse_qsl(needed.query, keep_blank_values=True)),
        narrowed=needed.request.organization is not None,
        while_away=scope.OFFLINE_ACCESS in needed.request.scopes,
    )
