"""Owns `/account/applications`: which Applications have access, taking it away, and warnings about old keys."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from broker.domain.client_org import rights_by_client
from broker.domain.errors import NotFound
from broker.domain.grant import CODE_REUSED
from broker.domain.ids import ApplicationId, GrantId
from broker.flows.applications.dismiss import dismiss_warning
from broker.flows.applications.remove import remove_access
from broker.flows.applications.show import ShownAccess, show_access
from broker.flows.connections.show import ShownConnection, show_connections
from broker.flows.found import LiveSession
from broker.web import context
from broker.web.handlers.shown import name_of, released_of
from broker.web.pages import outcomes
from broker.web.pages.parts import ApplicationCard, Notice, OldKeyWarning
from broker.web.pages.views import ApplicationsView, RemoveAccessView


async def applications_page(request: Request) -> Response:
    """A card for each Application with access; above them, what the User has to know."""
    session = await context.require_signed_in(request)
    return context.page(await _applications_view(request, session))


async def remove_page(request: Request) -> Response:
    """Ask, and say what stops."""
    session = await context.require_signed_in(request)
    ports = context.web_of(request).ports
    application_id = context.path_name(request, "application")
    access = await show_access(session.user.id, ports.store, ports.clock)
    found = next((one for one in access if one.application.id == application_id and one.has_access), None)
    if found is None:
        raise NotFound(detail="no such application with access to this user")
    name = found.application.name
    stops = [f"Within seconds {name} can see nothing of you and do nothing for you any more, in any browser."]
    if any(live.grant.is_offline for live in found.live):
        stops.append("It cannot go on while you are away.")
    afterwards = f"Should you open {name} again, it asks you for your permission first."
    if found.application.first_party:
        afterwards = f"{name} is our own. Should you open it again, it has access again as soon as you are signed in."
    view = RemoveAccessView(
        shell=context.shell(request, session, name=name_of(await show_connections(session.user.id, ports))),
        application_id=application_id,
        application=name,
        stops=tuple(stops),
        afterwards=afterwards,
    )
    return context.page(view)


async def remove(request: Request) -> Response:
    """Take it away, and say so."""
    session, _ = await context.posted(request)
    application_id = ApplicationId(context.path_name(request, "application"))
    ports, request_id = context.web_of(request).ports, context.request_id_of(request)
    removed = await remove_access(application_id, session.user.id, ports, request_id=request_id)
    return context.page(await _applications_view(request, session, outcomes.access_removed(removed.name)))


async def dismiss(request: Request) -> Response:
    """ "I have read this": the warning does not come again."""
    session, _ = await context.posted(request)
    grant_id = GrantId(context.path_name(request, "grant"))
    ports, request_id = context.web_of(request).ports, context.request_id_of(request)
    await dismiss_warning(grant_id, session.user.id, ports, request_id=request_id)
    return RedirectResponse("/account/applications", status_code=303)


async def _applications_view(request: Request, session: LiveSession, notice: Notice | None = None) -> ApplicationsView:
    ports = context.web_of(request).ports
    shown = await show_connections(session.user.id, ports)
    access = await show_access(session.user.id, ports.store, ports.clock)
    by_name = sorted((one for one in access if one.has_access), key=lambda one: one.application.name.casefold())
    return ApplicationsView(
        shell=context.shell(request, session, name=name_of(shown)),
        applications=tuple(_card(request, session, one, shown) for one in by_name),
        warnings=tuple(
            OldKeyWarning(
                grant_id=grant.id,
                application=one.application.name,
                at=grant.revoked_at or 0,
                of_sign_in=grant.revoked_for == CODE_REUSED,
            )
            for one in access
            for grant in one.warnings
        ),
        notice=notice,
    )


def _card(
    request: Request, session: LiveSession, access: ShownAccess, shown: tuple[ShownConnection, ...]
) -> ApplicationCard:
    """What it has; where nothing works now, what it would have if it came back."""
    may = [(live.connection_id, live.grant.scopes, live.clients) for live in access.live]
    if access.consent is not None and not may:
        clients = tuple(rights_by_client(access.held.authorizations, access.held.clients))
        may = [(session.session.connection_id, access.consent.scopes, clients)]
    by_id = {c.connection.id: c for c in shown}
    sees = [a.attribute for of, scopes, clients in may for a in released_of(request, by_id[of], scopes, clients)]
    acts_for = sorted({client for _, _, clients in may for client in clients})
    began = min((live.grant.created_at for live in access.live), default=0)
    return ApplicationCard(
        application_id=access.application.id,
        name=access.application.name,
        own=access.application.first_party,
        in_use=bool(access.live),
        while_away=any(live.grant.is_offline for live in access.live),
        sees=tuple(dict.fromkeys(sees)),
        acts_for=tuple(access.held.clients[client].name for client in acts_for),
        narrowed=bool(access.live) and all(live.grant.organization is not None for live in access.live),
        since=began if access.consent is None else access.consent.given_at,
        last_used_at=max((live.last_used_at for live in access.live), default=None),
    )
