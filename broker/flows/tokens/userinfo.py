"""Owns userinfo (OpenID Connect Core section 5.3): what a session JWT's User allowed the Application to know.

Refuses attributes that the policy does not release, or that the Application's scopes did not ask for. Writes nothing
but that it tells other attributes than were told before, or that something does not open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from broker.domain.application import Application
from broker.domain.errors import SealBroken
from broker.domain.policy import Context
from broker.flows.broken_seal import mark
from broker.flows.live_grant import behind, claims_of, invalid_token
from broker.flows.ports import Ports
from broker.flows.possession import ShownToken
from broker.flows.released import record_release
from broker.flows.sealed import open_released


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """`sub` and the released attributes, and the Application that they are told to."""

    claims: Mapping[str, Any] = field(repr=False)
    application: Application


async def userinfo(shown: ShownToken, ports: Ports, *, request_id: str = "") -> Told:
    """What the token's Grant covers, as of now. Raises `OAuthRefusal` (`invalid_token`, `invalid_dpop_proof`)."""
    claims, now = claims_of(shown, ports), ports.clock.now()
    found, rights = await behind(claims, ports, now)
    try:
        released = await open_released(found, tuple(rights), Context.USERINFO, ports)
    except SealBroken:
        await mark(found.connection, ports.store, ports.clock)
        raise invalid_token("seal broken") from None
    await record_release(found, released.names, ports, now=now, request_id=request_id, claims=claims)
    return Told(claims={**released.values, "sub": found.user.id}, application=found.application)
