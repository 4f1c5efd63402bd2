"""Owns a step that several flows share, no verb of its own: what is a token that somebody shows us?

Refuses to tell a forged token from an expired one, or from none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from broker.domain import refresh_token
from broker.domain.ids import GrantId
from broker.domain.own_token import is_own
from broker.domain.refresh_token import RefreshToken
from broker.flows.found import GrantInFull
from broker.flows.issued import is_genuine, is_ours
from broker.flows.ports import Ports


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownRefreshToken:
    """One whose proof holds. It may be used up, late or revoked."""

    token: RefreshToken
    found: GrantInFull


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownSessionJwt:
    """One that we signed and that has not expired. `found`: its Grant, if it has one, and that is not gone."""

    claims: Mapping[str, Any] = field(repr=False)
    found: GrantInFull | None


async def presented(text: str, ports: Ports, *, now: int) -> ShownRefreshToken | ShownSessionJwt | None:
    """None for what is no token of ours. One read at most.

    The kind is seen from the token itself, so a wrong `token_type_hint` (RFC 7009 section 2.1) misleads nobody.
    """
    refresh = refresh_token.parse(text)
    if refresh is not None:
        found = await ports.store.grant(refresh.grant_id) if is_ours(refresh, ports) else None
        if found is None or not is_genuine(refresh, found.grant, ports):
            return None
        return ShownRefreshToken(token=refresh, found=found)
    claims = ports.signer.verify(text, typ="at+jwt", audience=None, now=now)
    if claims is None:
        return None
    if is_own(claims):
        return ShownSessionJwt(claims=claims, found=None)
    grant_id, _, _ = str(claims.get("jti", "")).partition(".")
    return ShownSessionJwt(claims=claims, found=await ports.store.grant(GrantId(grant_id)))
