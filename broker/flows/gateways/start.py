"""Owns the departure of a browser that wants to go to a service behind a gateway: to the broker, to sign in.

Refuses nothing: the Application is proven before, and writes nothing, as the trip travels in the browser's own cookie.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlencode

from broker.domain.application import Application
from broker.domain.gateway import GatewayTrip, return_path
from broker.domain.pkce import challenge_of
from broker.flows.gateway_application import TRIP
from broker.flows.ports import Ports

_SCOPE = "openid email profile"
"""What the policy does not release is in no token, whatever the scope."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Departure:
    """Send the browser to `url`, and let it keep `cookie` under a name made of `state`."""

    url: str = field(repr=False)
    state: str = field(repr=False)
    cookie: str = field(repr=False)


def start(application: Application, return_to: str, organization: str | None, ports: Ports) -> Departure:
    """Begin a trip for this service; afterwards the browser goes on to `return_to`, if that is a path of its host."""
    trip = GatewayTrip(
        application_id=application.id,
        state=ports.secrets.token(),
        code_verifier=ports.secrets.token(),
        return_to=return_path(return_to),
        started_at=ports.clock.now(),
    )
    asked = {
        "client_id": application.id,
        "redirect_uri": application.redirect_uris[0],
        "response_type": "code",
        "scope": _SCOPE,
        "state": trip.state,
        "code_challenge": challenge_of(trip.code_verifier),
        "code_challenge_method": "S256",
    } | ({} if organization is None else {"organization": organization})
    return Departure(
        url=f"{ports.issuer}/oauth/authorize?{urlencode(asked)}",
        state=trip.state,
        cookie=ports.secrets.seal_cookie(TRIP, trip.to_bytes()),
    )
