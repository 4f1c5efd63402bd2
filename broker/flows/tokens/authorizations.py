"""Owns what `authorizations_ref` points to: the Authorizations that were too many for a session JWT.

Refuses to show more than the token's own Grant covers. Writes nothing.
"""

from __future__ import annotations

from broker.domain.grant import Rights
from broker.flows.live_grant import live_grant
from broker.flows.ports import Ports
from broker.flows.possession import ShownToken


async def authorizations(shown: ShownToken, ports: Ports) -> Rights:
    """Per Client, the rights as they are now. Raises `OAuthRefusal` (`invalid_token`, `invalid_dpop_proof`)."""
    _, rights = await live_grant(shown, ports)
    return rights
