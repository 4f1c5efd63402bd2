"""Owns a step that several flows share, no verb of its own: what an event has sealed, made and opened at its place.

Refuses to seal anything but under the User's own key: what erases that key erases this.
"""

from __future__ import annotations

import json
from dataclasses import replace

from broker.domain.errors import SealBroken
from broker.domain.ledger import AuditEvent
from broker.domain.ledger_rules import FROM
from broker.domain.sealing import NO_CLIENT, Place, WrappedKey
from broker.flows.ports import Vault

NO_REGISTRATION = "-"
"""Stands for "through no Provider" in a `Place`."""


async def sealing_address(event: AuditEvent, address: str | None, key: WrappedKey, vault: Vault) -> AuditEvent:
    """The event, with this sealed in it, if there is anything to seal. Raises `SealBroken` or `Fault`."""
    if address is None:
        return event
    text = json.dumps({FROM: address}, separators=(",", ":"))
    return replace(event, sealed=await vault.seal(key, _place(event, key), text.encode()))


async def opened_address(event: AuditEvent, key: WrappedKey | None, vault: Vault) -> str | None:
    """What was sealed there; None where nothing was, or where it does not open any more."""
    if event.sealed is None or key is None:
        return None
    try:
        told = json.loads(await vault.open(key, _place(event, key), event.sealed))
    except SealBroken:
        return None
    return str(told[FROM])


def _place(event: AuditEvent, key: WrappedKey) -> Place:
    """An event gets its id from the database, after this: the request's names it, as one request is one event."""
    return Place(
        table="ledger",
        column="sealed",
        row_id=event.request_id,
        owner=key.owner,
        registration=event.registration or NO_REGISTRATION,
        client_org=event.client_org or NO_CLIENT,
        generation=event.at,
    )
