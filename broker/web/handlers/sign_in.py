"""Owns the sign-in pages: the choice of Providers, the departure to one, the return from it, and signing out."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from broker.domain.attempt import Purpose
from broker.domain.errors import Refusal
from broker.domain.ids import RegistrationId
from broker.domain.redirect import with_state
from broker.flows.connections.show import show_connections
from broker.flows.ports import Callback
from broker.flows.sessions.end_upstream import end_upstream
from broker.flows.sessions.sign_out import ConfirmationNeeded, SignedOut, sign_out
from broker.flows.sign_in.begin import Trip, begin
from broker.flows.sign_in.choose import choose
from broker.flows.sign_in.finish import finish
from broker.flows.sign_in.waiting import AcceptanceNeeded
from broker.web import context, origin
from broker.web.handlers.acceptance import asked, done
from broker.web.handlers.shown import mark_of, name_of
from broker.web.origin import address_of
from broker.web.pages import words
from broker.web.pages.device import device
from broker.web.pages.parts import Link, ProviderChoice, SignInNotice
from broker.web.pages.views import SignedOutView, SignInView, SignOutView
from broker.web.parameters import as_query, form_of, of_authorize_request, one, query_of

LONGEST_TOKEN = 16 * 1024
_NOTICES: dict[str, SignInNotice] = {"session_expired": "session_expired", "documents": "documents"}


async def sign_in_page(request: Request) -> Response:
    """Choose a Provider: for the Application whose authorize request the query holds, or for one's own account."""
    web = context.web_of(request)
    parameters = of_authorize_request(query_of(request))
    session = await context.signed_in(request)
    choice = await choose(parameters, web.ports, return_to=request.query_params.get("return_to", ""))
    if session is not None and not parameters and not context.lacks_acceptance(request, session):
        return RedirectResponse(choice.page or "/account", status_code=303)
    returns = () if choice.page is None else (("return_to", choice.page),)
    view = SignInView(
        shell=context.shell(request, session),
        application=choice.application_name,
        providers=tuple(
            ProviderChoice(
                registration_id=facts.id,
                provider=mark_of(facts),
                label=facts.label,
                asks_for=words.asks_for(facts.label, choice.asks[facts.id]),
            )
            for facts in choice.registrations
        ),
        hidden=(*parse_qsl(choice.query, keep_blank_values=True), *returns),
        notice=_NOTICES.get(request.query_params.get("notice", "")),
    )
    response = context.page(view)
    if session is None and web.cookies.session in request.cookies:
        web.cookies.clear(response, web.cookies.session)
    return response


async def sign_in_begin(request: Request) -> Response:
    """Depart to the chosen Provider."""
    web = context.web_of(request)
    origin.require_same_origin(request, web.ports.issuer)
    form = await form_of(request)
    choice = await choose(of_authorize_request(form), web.ports, return_to=one(form, "return_to") or "")
    registration = RegistrationId(context.path_name(request, "registration"))
    session = await context.signed_in(request)
    trip = await begin(registration, Purpose.SIGN_IN, choice.request, session, web.ports, page=choice.page)
    return depart(request, trip)


async def callback(request: Request) -> Response:
    """Back from a Provider (RFC 6749 section 4.1.2). Nothing but these four parameters is ever read from the query."""
    web = context.web_of(request)
    query = query_of(request)
    state, code, error = one(query, "state", longest=512), one(query, "code"), one(query, "error", longest=100)
    if state is None or (code is None) == (error is None):
        raise Refusal("invalid_state", "This is not an answer to a sign-in.", detail="state, code or error missing")
    name = web.cookies.attempt(state)
    finished = await finish(
        Callback(
            registration=RegistrationId(context.path_name(request, "registration")),
            state=state,
            code=code,
            error=error,
            iss=one(query, "iss", longest=512),
        ),
        request.cookies.get(name),
        await context.signed_in(request),
        web.ports,
        browser=device(request.headers.get("user-agent")),
        address=address_of(request, web.trusted_proxies),
        request_id=context.request_id_of(request),
    )
    return asked(request, finished) if isinstance(finished, AcceptanceNeeded) else done(request, finished, name)


async def provider_logout(request: Request) -> Response:
    """A Provider says that somebody signed out there (Back-Channel Logout 1.0 sections 2.5 to 2.8)."""
    token = one(await form_of(request), "logout_token", longest=LONGEST_TOKEN)
    if token is None:
        raise Refusal("invalid_request", "logout_token is missing.")
    registration = RegistrationId(context.path_name(request, "registration"))
    await end_upstream(registration, token, context.web_of(request).ports, request_id=context.request_id_of(request))
    return Response()


async def end_session_endpoint(request: Request) -> Response:
    """RP-initiated logout, by GET or POST."""
    parameters = await form_of(request) if request.method == "POST" else query_of(request)
    confirmed = False
    if "confirmed" in parameters:  # only our own page posts it, with the Session's token
        _, parameters = await context.posted(request)
        confirmed = True
    web = context.web_of(request)
    if request.method == "POST" and web.cookies.session not in request.cookies:
        # Of a post from another site browsers withhold the cookie (RFC 6265bis section 5.5); by GET it comes along.
        return RedirectResponse(f"/oauth/end-session?{as_query(parameters)}", status_code=303)
    session = await context.signed_in(request)
    asked = {name: values for name, values in parameters.items() if name not in ("csrf", "confirmed")}
    outcome = await sign_out(asked, session, web.ports, confirmed=confirmed, request_id=context.request_id_of(request))
    if isinstance(outcome, ConfirmationNeeded):
        name = None if session is None else name_of(await show_connections(session.user.id, web.ports))
        shell = context.shell(request, session, name=name)
        view = SignOutView(
            shell=shell,
            action="/oauth/end-session",
            hidden=(*parse_qsl(as_query(asked), keep_blank_values=True), ("confirmed", "yes")),
            application=outcome.application_name,
            cancel=Link(label="Stay signed in", href=shell.links.account),
        )
        return context.page(view)
    return _signed_out(request, outcome)


async def sign_out_button(request: Request) -> Response:
    """ "Sign out" on the User's own pages."""
    session, _ = await context.posted(request)
    web = context.web_of(request)
    await sign_out({}, session, web.ports, confirmed=True, request_id=context.request_id_of(request))
    return _signed_out(request, SignedOut(redirect_uri=None, state=None))


def depart(request: Request, trip: Trip) -> Response:
    """Send the browser on its trip, with the attempt in a cookie of its own."""
    response = RedirectResponse(trip.url, status_code=303)
    context.web_of(request).cookies.set_attempt(response, trip.state, trip.cookie, request.cookies)
    return response


def _signed_out(request: Request, outcome: SignedOut) -> Response:
    cookies = context.web_of(request).cookies
    if outcome.redirect_uri is not None:
        response: Response = RedirectResponse(with_state(outcome.redirect_uri, outcome.state), status_code=303)
    else:
        response = context.page(SignedOutView(shell=context.shell(request, None)))
    cookies.clear(response, cookies.session)
    return response
