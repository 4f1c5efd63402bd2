"""Owns a step that several flows share, no verb of its own: which service stands behind a gateway, and its cookies.

Refuses to tell an Application that no gateway guards from one that does not exist.
"""

from __future__ import annotations

from broker.domain.application import Application
from broker.domain.errors import NotFound
from broker.domain.gateway import GatewayPass, GatewayTrip
from broker.domain.ids import ApplicationId
from broker.flows.ports import Ports, Secrets

PASS, TRIP = "gateway pass", "gateway trip"
"""What the cookies are sealed for."""


async def gateway_application(application_id: ApplicationId, ports: Ports) -> Application:
    """The Application that a gateway guards. Raises `NotFound`."""
    application = await ports.store.application(application_id)
    if application is None or not application.gateway:
        raise NotFound(detail="no application behind a gateway")
    return application


def open_pass(cookie: str | None, application_id: ApplicationId, secrets: Secrets) -> GatewayPass | None:
    """What admits to this very Application, or None."""
    plaintext = secrets.open_cookie(PASS, cookie) if cookie else None
    opened = None if plaintext is None else GatewayPass.from_bytes(plaintext)
    return opened if opened is not None and opened.application_id == application_id else None


def open_trip(cookie: str | None, secrets: Secrets) -> GatewayTrip | None:
    """A trip that this browser began, or None."""
    plaintext = secrets.open_cookie(TRIP, cookie) if cookie else None
    return None if plaintext is None else GatewayTrip.from_bytes(plaintext)
