"""Owns what an Application is told when a Session ends: the logout token (OpenID Connect Back-Channel Logout 1.0).

Refuses a nonce, which would make it look like an ID token, and to go on telling after a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from broker.domain.ids import ApplicationId, SessionId, UserId

TYPE = "logout+jwt"
"""Section 2.4: its own header `typ`, so that no token of another kind is taken for one (RFC 8725 section 3.11)."""
EVENT = "http://schemas.openid.net/event/backchannel-logout"
LIFETIME = 120
"""Seconds. Section 4: preferably at most two minutes; each try is signed anew."""
GIVE_UP_AFTER = 24 * 3600
"""Seconds. By then an Application's own session should have ended by itself."""
KEPT_FOR = 2 * GIVE_UP_AFTER
"""Seconds from the sign-out after which what was settled is forgotten."""


class LogoutResult(StrEnum):
    """What the Application answered."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    PENDING = "pending"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, kw_only=True, slots=True)
class PendingLogout:
    """One Application that has yet to be told. `session_id` None: all Sessions of the User.

    `about` tells one end from another: the Session's id, or the User's with the epoch that their suspension began.
    """

    about: str
    application_id: ApplicationId
    user_id: UserId
    session_id: SessionId | None
    tries: int
    next_try_at: int
    created_at: int
    result: LogoutResult


def logout_claims(pending: PendingLogout, *, issuer: str, jti: str, now: int) -> dict[str, Any]:
    """Section 2.4. Without `sid` it means every session that the Application has with this person."""
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": pending.user_id,
        "aud": pending.application_id,
        "iat": now,
        "exp": now + LIFETIME,
        "jti": jti,
        "events": {EVENT: {}},
    }
    return claims if pending.session_id is None else claims | {"sid": pending.session_id}
