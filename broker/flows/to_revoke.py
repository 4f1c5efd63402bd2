"""Owns a step that several flows share, no verb of its own: a Connection's tokens are made ready for the outbox.

Refuses to leave them readable by anybody else: they are sealed anew, at their place in the outbox.
"""

from __future__ import annotations

from dataclasses import replace

from broker.domain.outbox import PendingRevocation, due_at_once
from broker.flows.found import ConnectionInFull
from broker.flows.ports import Ports
from broker.flows.sealed import open_tokens


async def to_revoke(found: ConnectionInFull, ports: Ports, now: int) -> PendingRevocation | None:
    """The tokens, sealed for the outbox, where they stay until the Provider knows; None where it cannot be told.

    Raises `SealBroken`: what nobody can read, nobody can revoke.
    """
    facts = ports.upstream.registrations.get(found.connection.registration)
    if facts is None or not facts.can_revoke:
        return None
    tokens = await open_tokens(found.connection, found.data_key, ports.vault)
    if tokens is None:
        return None
    connection = found.connection
    pending = due_at_once(ports.secrets.new_id("rev"), connection.id, connection.user_id, connection.registration, now)
    return replace(pending, sealed_token=await ports.vault.seal(found.data_key, pending.place, tokens.to_bytes()))
