"""Owns `/account/sessions`: where the User is signed in, and ending that."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from broker.domain.ids import SessionId
from broker.domain.session import IDLE_LIFETIME
from broker.flows.applications.show import show_access
from broker.flows.connections.show import show_connections
from broker.flows.found import LiveSession
from broker.flows.sessions.end import end_sessions
from broker.flows.sessions.end_all import end_all_sessions
from broker.web import context
from broker.web.handlers.shown import facts_of, mark_of, name_of
from broker.web.pages import outcomes, words
from broker.web.pages.parts import Notice, SessionRow
from broker.web.pages.views import EndAllView, SessionsView, SignedOutView


async def sessions_page(request: Request) -> Response:
    """Where the User is signed in."""
    session = await context.require_signed_in(request)
    notice = outcomes.session_ended() if "ended" in request.query_params else None
    return context.page(await _sessions_view(request, session, notice))


async def end_one_session(request: Request) -> Response:
    """End one Session; ending this one signs out."""
    session, _ = await context.posted(request)
    web = context.web_of(request)
    which = SessionId(context.path_name(request, "session"))
    await end_sessions(which, session, web.ports, request_id=context.request_id_of(request))
    if which == session.session.id:
        response = context.page(SignedOutView(shell=context.shell(request, None)))
        web.cookies.clear(response, web.cookies.session)
        return response
    return RedirectResponse("/account/sessions?ended=one", status_code=303)


async def end_other_sessions(request: Request) -> Response:
    """End all Sessions but this one."""
    session, _ = await context.posted(request)
    ports = context.web_of(request).ports
    before = len(await ports.store.sessions_of(session.user.id, ports.clock.now() - IDLE_LIFETIME))
    await end_sessions(None, session, ports, request_id=context.request_id_of(request))
    return context.page(await _sessions_view(request, session, outcomes.other_sessions_ended(max(before - 1, 0))))


async def end_all_page(request: Request) -> Response:
    """Ask, and say what it reaches."""
    session = await context.require_signed_in(request)
    ports = context.web_of(request).ports
    shown = await show_connections(session.user.id, ports)
    access = await show_access(session.user.id, ports.store, ports.clock)
    stops = ["You are signed out of every browser, this one too."]
    if names := sorted(one.application.name for one in access if one.live):
        stops.append(f"What {words.listed(names)} may see and do for you ends, also while you are away.")
    stops.append("Applications hear of it within seconds. You can sign in again at once.")
    return context.page(EndAllView(shell=context.shell(request, session, name=name_of(shown)), stops=tuple(stops)))


async def end_all(request: Request) -> Response:
    """Sign out everywhere."""
    session, _ = await context.posted(request)
    web = context.web_of(request)
    await end_all_sessions(session, web.ports, request_id=context.request_id_of(request))
    response = context.page(SignedOutView(shell=context.shell(request, None), notice=outcomes.signed_out_everywhere()))
    web.cookies.clear(response, web.cookies.session)
    return response


async def _sessions_view(request: Request, session: LiveSession, notice: Notice | None) -> SessionsView:
    ports = context.web_of(request).ports
    shown = await show_connections(session.user.id, ports)
    by_id = {c.connection.id: c for c in shown}
    rows = [
        SessionRow(
            session_id=s.id,
            device=s.browser,
            started_at=s.auth_time,
            last_seen_at=s.last_seen_at,
            provider=mark_of(facts),
            provider_name=facts.label,
            current=s.id == session.session.id,
        )
        for s in await ports.store.sessions_of(session.user.id, ports.clock.now() - IDLE_LIFETIME)
        for facts in (facts_of(request, by_id[s.connection_id]),)
    ]
    return SessionsView(shell=context.shell(request, session, name=name_of(shown)), sessions=tuple(rows), notice=notice)
