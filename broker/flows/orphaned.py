"""Owns a step that several flows share, no verb of its own: a Provider's tokens that are nobody's any more.

They are sealed under the system's key, for the outbox alone, until their Provider knows that they have ended.
"""

from __future__ import annotations

from dataclasses import replace

from broker.domain.connection import UpstreamTokens
from broker.domain.errors import Fault
from broker.domain.ids import RegistrationId, UserId
from broker.domain.outbox import PendingRevocation, due_at_once
from broker.domain.sealing import SYSTEM_OWNER
from broker.flows.ports import Ports


async def orphaned(tokens: UpstreamTokens, registration: RegistrationId, ports: Ports) -> PendingRevocation:
    """What is to be written, due at once. It mentions nobody. Raises `Fault`."""
    key = await ports.store.data_key(SYSTEM_OWNER)
    if key is None:
        raise Fault("no_system_key", "Something is down on our side.")
    pending = due_at_once(ports.secrets.new_id("rev"), None, UserId(SYSTEM_OWNER), registration, ports.clock.now())
    return replace(pending, sealed_token=await ports.vault.seal(key, pending.place, tokens.to_bytes()))
