"""Owns a User's answer to a device that waits: allowed or not, once and for all.

Refuses an answer after the answer. Allowing makes the Grant that the device code fetches tokens of.
"""

from __future__ import annotations

from broker.domain.changes import AddGrant, Change, DecideDeviceRequest, PutConsent, Record
from broker.domain.consent import Consent
from broker.domain.device_request import Decision
from broker.domain.errors import Conflict
from broker.domain.grant import new_device_grant
from broker.domain.ids import GrantId
from broker.domain.ledger import AuditEvent
from broker.flows.devices.waiting import DeviceAsks, unknown_user_code, waiting_device
from broker.flows.found import LiveSession
from broker.flows.ports import Ports


async def answer_device(
    typed: str, signed_in: LiveSession, ports: Ports, *, allow: bool, request_id: str
) -> DeviceAsks:
    """Answer, and tell what was answered. Raises `Refusal` as `waiting_device` does; nothing was changed then."""
    asks = await waiting_device(typed, signed_in, ports)
    now = ports.clock.now()
    changes: list[Change] = []
    object_id: str = asks.request.id
    if allow:
        grant = new_device_grant(
            asks.request, id=GrantId(ports.secrets.new_id("gnt")), session=signed_in.session, now=now
        )
        object_id = grant.id
        changes.append(AddGrant(grant=grant))
        # As on the consent page: who allowed it for one Client was promised that the others stay out of reach.
        if not asks.application.first_party and asks.request.organization is None:
            given = Consent(
                user_id=signed_in.user.id,
                application_id=asks.application.id,
                scopes=asks.request.scopes,
                given_at=now,
            )
            changes.append(PutConsent(consent=given))
    event = AuditEvent(
        at=now,
        action="device.allow" if allow else "device.deny",
        outcome="done",
        request_id=request_id,
        user_id=signed_in.user.id,
        application_id=asks.application.id,
        client_org=asks.request.organization,
        object_id=object_id,
    )
    decision = Decision.ALLOWED if allow else Decision.DENIED
    decided = DecideDeviceRequest(id=asks.request.id, decision=decision, at=now)
    try:
        await ports.store.write(decided, *changes, Record(event=event))
    except Conflict:  # answered meanwhile; or the Application is gone, and its requests with it
        raise unknown_user_code("answered at this moment") from None
    return asks
