"""Owns `/account`: the User's own overview."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from broker.domain.client_org import rights_by_client
from broker.domain.connection import ConnectionStatus
from broker.domain.session import IDLE_LIFETIME
from broker.flows.applications.show import show_access
from broker.flows.connections.show import show_connections
from broker.web import context
from broker.web.handlers.shown import name_of, verified_address
from broker.web.pages import outcomes, words
from broker.web.pages.parts import ClientRights, Notice
from broker.web.pages.shell import Shell
from broker.web.pages.views import AccountView


async def account_page(request: Request) -> Response:
    """Greeting, Clients, rights, shortcuts."""
    session = await context.require_signed_in(request)
    ports = context.web_of(request).ports
    shown = await show_connections(session.user.id, ports)
    held = await ports.store.held_authorizations(session.user.id)
    sessions = await ports.store.sessions_of(session.user.id, ports.clock.now() - IDLE_LIFETIME)
    access = await show_access(session.user.id, ports.store, ports.clock)
    warned = dict.fromkeys(one.application.name for one in access if one.warnings)
    rights = rights_by_client(held.authorizations, held.clients)
    shell = context.shell(request, session, name=name_of(shown))
    live = [c for c in shown if c.status is not ConnectionStatus.REVOKED]
    view = AccountView(
        shell=shell,
        clients=tuple(
            ClientRights(client_org=c, name=held.clients[c].name, rights=tuple(words.right(r) for r in rights[c]))
            for c in rights
        ),
        invite_to=verified_address(shown),
        connection_count=len(live),
        session_count=len(sessions),
        application_count=sum(one.has_access for one in access),
        needs_attention=any(c.status is ConnectionStatus.NEEDS_REAUTH for c in live),
        notice=_notice(request, tuple(warned), shell),
    )
    return context.page(view)


def _notice(request: Request, warned: tuple[str, ...], shell: Shell) -> Notice | None:
    if warned:
        return outcomes.old_keys_used(warned, shell.links.applications)
    return outcomes.account_kept() if "kept" in request.query_params else None
