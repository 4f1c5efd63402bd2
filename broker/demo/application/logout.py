"""What a logout token of the broker says: who was signed out elsewhere (OpenID Connect Back-Channel Logout 1.0).

Refuses every other token. One that comes twice ends nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from broker.demo.published import Published
from broker.demo.signed import NotValid, check

TYPES = frozenset({"logout+jwt"})
EVENT = "http://schemas.openid.net/event/backchannel-logout"


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedOut:
    """A User, and the session of theirs that has ended; None: all of them."""

    sub: str
    sid: str | None


async def signed_out(token: str, published: Published, *, application_id: str, now: int) -> SignedOut:
    """Verify it (section 2.6). Raises `NotValid`, and `Unreachable` when the keys cannot be had."""
    claims = await check(token, published, audience=application_id, types=TYPES, now=now)
    events, sid = claims.get("events"), claims.get("sid")
    if not isinstance(events, Mapping) or not isinstance(events.get(EVENT), Mapping) or "nonce" in claims:
        raise NotValid("It does not say that somebody signed out.")
    if not isinstance(sid, str | None):
        raise NotValid("It names no session.")
    return SignedOut(sub=claims["sub"], sid=sid)
