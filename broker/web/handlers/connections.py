"""Owns `/account/connections`: what is connected, connecting more, and disconnecting."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from broker.domain.attempt import Purpose
from broker.domain.connection import ConnectionStatus
from broker.domain.errors import NotFound
from broker.domain.ids import ConnectionId, RegistrationId
from broker.flows.connections.revoke import revoke
from broker.flows.connections.show import show_connections
from broker.flows.sign_in.begin import begin
from broker.web import context
from broker.web.handlers.shown import account_of, connections_view, facts_of, mark_of, name_of, reach_of, settings_of
from broker.web.handlers.sign_in import depart
from broker.web.pages import outcomes, words
from broker.web.pages.parts import Staying
from broker.web.pages.views import DisconnectView, SignedOutView
from broker.web.telling import tell_providers


async def connections_page(request: Request) -> Response:
    """A card for each Connection; those that ended, and what became of them."""
    session = await context.require_signed_in(request)
    ports = context.web_of(request).ports
    shown = await show_connections(session.user.id, ports)
    used = await ports.store.applications_used(session.user.id)
    connected = ports.upstream.registrations.get(RegistrationId(request.query_params.get("connected", "")))
    notice = None if connected is None else outcomes.connected(connected.label)
    used_by = used.get(session.session.id)
    return context.page(connections_view(request, session, shown, used_by=used_by, notice=notice))


async def connect(request: Request) -> Response:
    """Depart to connect a further account, or the same one again."""
    session, _ = await context.posted(request)
    web = context.web_of(request)
    registration = RegistrationId(context.path_name(request, "registration"))
    return depart(request, await begin(registration, Purpose.CONNECT, None, session, web.ports))


async def disconnect_page(request: Request) -> Response:
    """Ask, and say what it reaches."""
    session = await context.require_signed_in(request)
    ports = context.web_of(request).ports
    shown = await show_connections(session.user.id, ports)
    connection_id = context.path_name(request, "connection")
    found = next((c for c in shown if c.connection.id == connection_id), None)
    if found is None or found.status is ConnectionStatus.REVOKED:
        raise NotFound(detail="no such live connection of this user")
    facts = facts_of(request, found)
    stops = [f"Sign-ins with this {facts.label} account end, in every browser, at once."]
    if found.connection.id == session.session.connection_id:
        stops.append("You will be signed out here.")
    kept = words.attributes([a.name for a in found.attributes])
    deleted = [f"Your {kept}, as kept from {facts.label}."] if kept else []
    view = DisconnectView(
        shell=context.shell(request, session, name=name_of(shown)),
        connection_id=connection_id,
        provider=mark_of(facts),
        provider_name=facts.label,
        account=account_of(found),
        stops=tuple(stops),
        deleted=(*deleted, f"The access that {facts.label} gave us."),
        reach=facts.reach,
        stays=(
            Staying(
                what="A fingerprint of the account, from which nobody can tell whose it is",
                why="So that you find what you may do again, should you sign in with it once more.",
            ),
            Staying(what="A line in our record that you disconnected it, and when", why="To prove that it was done."),
        ),
    )
    return context.page(view)


async def disconnect(request: Request) -> Response:
    """Revoke, tell the Provider while the person waits a moment, and say what came of it."""
    session, _ = await context.posted(request)
    web = context.web_of(request)
    connection_id = ConnectionId(context.path_name(request, "connection"))
    await revoke(connection_id, session.user.id, web.ports, request_id=context.request_id_of(request))
    await tell_providers(web.ports)
    shown = await show_connections(session.user.id, web.ports)
    found = next(c for c in shown if c.connection.id == connection_id)
    facts = facts_of(request, found)
    notice = outcomes.disconnected(facts.label, reach_of(found), settings_of(facts))
    if found.connection.id != session.session.connection_id:
        used = await web.ports.store.applications_used(session.user.id)
        view = connections_view(request, session, shown, used_by=used.get(session.session.id), notice=notice)
        return context.page(view)
    response = context.page(SignedOutView(shell=context.shell(request, None), notice=notice))
    web.cookies.clear(response, web.cookies.session)
    return response
