"""Owns that a signing key takes over before the clock would have it. Refuses one that not everybody can have yet."""

from __future__ import annotations

from broker.domain.signing_key import promotion
from broker.flows.signing_key import KeyTools, carried_out


async def promote(kid: str, tools: KeyTools) -> None:
    """Have the pending key `kid` sign; the one that did retires. Raises `TooEarly`, `Refusal` or `Fault`."""
    await carried_out(lambda keys: promotion(keys, kid, tools.clock.now()), tools)
