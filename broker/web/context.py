"""Owns what every handler is given: the ports, the cookies, the limits, the words around a page.

Refuses module-level state: the composition root makes one `Web` for each application and keeps it at `app.state.web`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from broker.domain.authorize_request import Parameters
from broker.domain.errors import NotFound
from broker.domain.redirect import Onward
from broker.flows.found import LiveSession
from broker.flows.ports import Ports
from broker.flows.sessions.resume import resume
from broker.web import origin
from broker.web.cookies import Cookies
from broker.web.feed import Feed
from broker.web.measure import Measures
from broker.web.pages.parts import SignInNotice
from broker.web.pages.render import render
from broker.web.pages.shell import Shell
from broker.web.pages.views import FormPostView, View
from broker.web.parameters import NAME, form_of
from broker.web.surface import HTML_POLICY


class Counters(Protocol):
    """Counts refused requests, to slow down whoever makes many."""

    async def hit(self, key: str, limit: int, per_seconds: int) -> int | None:
        """Count one. Seconds to wait when that was one too many, else None."""

    def blocked(self, key: str) -> int:
        """Seconds still to wait, 0 when free. Costs no I/O."""


class Probe(Protocol):
    """Says whether this process can do its work."""

    async def problems(self) -> tuple[str, ...]:
        """What is wrong, in words for an operator; empty when all is well."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Web:
    """All that the handlers need. `trusted_proxies` as in the settings."""

    ports: Ports
    cookies: Cookies
    counters: Counters
    measures: Measures
    probe: Probe
    feed: Feed
    trusted_proxies: int


def web_of(request: Request) -> Web:
    """The `Web` of this application."""
    web: Web = request.app.state.web
    return web


def request_id_of(request: Request) -> str:
    """What people quote when something went wrong, and what the ledger and the log know the request by."""
    return str(request.scope["request_id"])


async def signed_in(request: Request) -> LiveSession | None:
    """Who is signed in, by this browser's cookie."""
    web = web_of(request)
    session = await resume(request.cookies.get(web.cookies.session), web.ports)
    if session is not None:
        request.scope["user_id"] = session.user.id  # for the ledger, should the request be refused
    return session


class SignInFirst(Exception):
    """The browser is sent to the sign-in page, with this notice. `page`: the one of ours to come back to, if not the
    User's own.
    """

    def __init__(self, *, notice: SignInNotice | None, page: str | None = None) -> None:
        super().__init__("sign in first")
        self.notice = notice
        self.page = page


async def require_signed_in(request: Request, *, page: str | None = None) -> LiveSession:
    """Who is signed in. Raises `SignInFirst`."""
    session = await signed_in(request)
    if session is None:
        was_signed_in = web_of(request).cookies.session in request.cookies
        raise SignInFirst(notice="session_expired" if was_signed_in else None, page=page)
    return session


def lacks_acceptance(request: Request, session: LiveSession) -> bool:
    """Whether they have to accept documents first, which is asked at a sign-in."""
    ports = web_of(request).ports
    return ports.policy.documents.overdue(session.user.accepted, ports.clock.now())


def require_acceptance(request: Request, session: LiveSession, *, page: str) -> None:
    """Raises `SignInFirst` for whoever `lacks_acceptance`."""
    if lacks_acceptance(request, session):
        raise SignInFirst(notice="documents", page=page)


async def posted(request: Request, *, page: str | None = None) -> tuple[LiveSession, Parameters]:
    """A form of one of the User's own pages. Raises `SignInFirst`, or `Refusal` when it was not sent from there."""
    web = web_of(request)
    origin.require_same_origin(request, web.ports.issuer)
    session = await require_signed_in(request, page=page)
    form = await form_of(request)
    origin.require_csrf(form, session, web.ports)
    return session, form


def shell(request: Request, session: LiveSession | None, *, name: str | None = None) -> Shell:
    """What surrounds a page for this person."""
    web = web_of(request)
    return Shell(
        request_id=request_id_of(request),
        now=web.ports.clock.now(),
        csrf="" if session is None else origin.csrf_token(session, web.ports),
        signed_in_as=name,
    )


def page(view: View, *, status: int = 200) -> Response:
    """A page."""
    return HTMLResponse(render(view), status_code=status)


def sent(request: Request, onward: Onward) -> Response:
    """The browser on its way: by a redirect, or by a page that posts itself."""
    if onward.fields is None:
        return RedirectResponse(onward.url, status_code=303)
    response = page(FormPostView(shell=shell(request, None), action=onward.url, fields=onward.fields))
    # The only page with a script; and its form leads to the Application, over http only where that is on this machine.
    targets = f"{urlsplit(onward.url).scheme}:"
    response.headers["Content-Security-Policy"] = f"{HTML_POLICY.format(targets)}; script-src 'self'"
    return response


def path_name(request: Request, parameter: str) -> str:
    """An id from the path. Raises `NotFound` for what cannot be one, as for one that is not there."""
    value = str(request.path_params[parameter])
    if NAME.fullmatch(value) is None:
        raise NotFound(detail="malformed path parameter")
    return value
