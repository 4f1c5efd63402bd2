"""Owns the start of a device's sign-in (RFC 8628 section 3.1): one code for the device, one to be typed elsewhere.

Refuses Applications that are not registered for it. Neither code is stored: what is kept of them is keyed hashes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.domain.application import GrantType
from broker.domain.changes import AddDeviceRequest, Record
from broker.domain.device_request import INTERVAL, LIFETIME, DeviceRequest, asked, new_user_code
from broker.domain.errors import Conflict, Fault
from broker.domain.ids import DeviceRequestId
from broker.domain.ledger import AuditEvent
from broker.domain.own_page import device_page
from broker.flows.authenticated import Credentials, authenticated, require_grant
from broker.flows.ports import Ports

_TRIES = 8
"""How often a code that another device has is drawn afresh: with a million waiting, one in 25 thousand needs it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceAuthorization:
    """The answer (RFC 8628 section 3.2). `expires_in` and `interval` in seconds."""

    device_code: str = field(repr=False)
    user_code: str = field(repr=False)
    verification_uri: str
    verification_uri_complete: str = field(repr=False)
    expires_in: int
    interval: int


async def begin_device(
    credentials: Credentials, scope: str | None, organization: str | None, ports: Ports, *, request_id: str = ""
) -> DeviceAuthorization:
    """Raises `OAuthRefusal`: `invalid_client`, `unauthorized_client`, `invalid_scope` or `invalid_request`."""
    application = await authenticated(credentials, None, ports)
    require_grant(application, GrantType.DEVICE_CODE)
    scopes, client_org = asked(scope, organization, application)
    now = ports.clock.now()
    for _ in range(_TRIES):
        device_code, user_code = ports.secrets.token(), new_user_code(ports.secrets.token())
        request = DeviceRequest(
            id=DeviceRequestId(ports.secrets.new_id("dvr")),
            device_code=ports.secrets.keyed_hash("device_code", device_code),
            user_code=ports.secrets.keyed_hash("user_code", user_code),
            application_id=application.id,
            scopes=scopes,
            organization=client_org,
            created_at=now,
            expires_at=now + LIFETIME,
        )
        event = AuditEvent(
            at=now,
            action="device.begin",
            outcome="done",
            request_id=request_id,
            application_id=application.id,
            object_id=request.id,
        )
        try:
            await ports.store.write(AddDeviceRequest(request=request), Record(event=event))
        except Conflict:
            continue
        return DeviceAuthorization(
            device_code=device_code,
            user_code=user_code,
            verification_uri=f"{ports.issuer}{device_page(None)}",
            verification_uri_complete=f"{ports.issuer}{device_page(user_code)}",
            expires_in=LIFETIME,
            interval=INTERVAL,
        )
    raise Fault("contention", "Something was changed at this moment. Please try again.")
