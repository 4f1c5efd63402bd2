"""Owns telling our own pages' posts from other sites' (Fetch Metadata; RFC 6454), and where a request came from.

Refuses a post that says it comes from elsewhere, and a state-changing one without the Session's own token.
"""

from __future__ import annotations

from ipaddress import IPv6Address

from starlette.requests import Request

from broker.domain.authorize_request import Parameters
from broker.domain.errors import Refusal
from broker.flows.found import LiveSession
from broker.flows.ports import Ports

CSRF_HEADER = "X-CSRF-Token"


def require_same_origin(request: Request, issuer: str) -> None:
    """Raise `Refusal` when the browser says that another site made this post.

    Our pages send `Referrer-Policy: no-referrer`, for which browsers send `Origin: null`: Fetch Metadata decides first.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        allowed = site in ("same-origin", "none")
    else:
        allowed = request.headers.get("origin", "null") in ("null", issuer)
    if not allowed:
        detail = "origin" if site is None else "sec-fetch-site"
        raise Refusal("cross_site", "This can only be done from our own pages.", detail=detail)


def csrf_token(session: LiveSession, ports: Ports) -> str:
    """The token that forms of this Session carry."""
    return ports.secrets.keyed_hash("csrf", session.session.id)


def require_csrf(form: Parameters, session: LiveSession, ports: Ports) -> None:
    """Raise `Refusal` unless the form carries this Session's token."""
    values = form.get("csrf", ())
    if len(values) != 1 or not ports.secrets.same(values[0], csrf_token(session, ports)):
        raise Refusal("cross_site", "This page is out of date. Go back, reload it and try again.", detail="csrf token")


def require_csrf_header(request: Request, session: LiveSession, ports: Ports) -> None:
    """The same for a request of a script, which is no form."""
    values = request.headers.getlist(CSRF_HEADER)
    if len(values) != 1 or not ports.secrets.same(values[0], csrf_token(session, ports)):
        raise Refusal("cross_site", f"{CSRF_HEADER} has to be what /api/v1/me says.", detail="csrf header")


def address_of(request: Request, trusted_proxies: int) -> str:
    """The address that limits count by: the peer's, or what trusted proxies say; never what a caller claims."""
    peer = request.client.host if request.client else "unknown"
    if trusted_proxies == 0:
        return _counted(peer)
    hops = [hop.strip() for line in request.headers.getlist("x-forwarded-for") for hop in line.split(",")]
    return _counted(hops[-trusted_proxies] if len(hops) >= trusted_proxies else peer)


def _counted(address: str) -> str:
    """An address of IPv6 as its /64: who has one of those has all of them (RFC 4291 section 2.5.4)."""
    if ":" not in address:
        return address
    try:
        parsed = IPv6Address(address)
    except ValueError:
        return address
    return str(parsed.ipv4_mapped or IPv6Address(int(parsed) >> 64 << 64))
