"""Owns userinfo (OpenID Connect Core section 5.3): what a session JWT's User allowed the Application to know.

Refuses attributes that the policy does not release, or that the Application's scopes did not ask for. Writes nothing.
"""

from __future__ import annotations

from typing import Any

from broker.domain.errors import SealBroken
from broker.flows.live_grant import invalid_token, live_grant
from broker.flows.ports import Ports
from broker.flows.sealed import open_released


async def userinfo(session_jwt: str, ports: Ports) -> dict[str, Any]:
    """`sub` and the released attributes. Raises `OAuthRefusal` (`invalid_token`)."""
    found, rights = await live_grant(session_jwt, ports)
    try:
        released = await open_released(found, tuple(rights), ports)
    except SealBroken:
        raise invalid_token("seal broken") from None
    return {**released, "sub": found.user.id}
