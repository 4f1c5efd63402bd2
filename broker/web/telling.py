"""Owns telling Providers while a person waits for a page: a moment, then the outbox goes on by itself."""

from __future__ import annotations

import asyncio

from broker.flows.connections.deliver import deliver_revocations
from broker.flows.ports import Ports

_TELL_WITHIN = 4.0
"""Seconds that a person waits for a Provider to be told."""


async def tell_providers(ports: Ports) -> None:
    """Of what has just ended here. What cannot be said now is in the outbox."""
    try:
        async with asyncio.timeout(_TELL_WITHIN):
            await deliver_revocations(ports)
    except TimeoutError:
        pass
