"""Owns the notice that tokens are no longer good: which are meant, and until when anybody has to know.

Refuses to say who or why: a notice carries an id and numbers, so that every service may hear all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from broker.domain.session_token import LIFETIME

SCOPE = "revocations"
"""What a session JWT has to be for, to hear of revocations with it."""
COMMITTED_WITHIN = 30
"""Seconds from reading the clock until the write has happened, or never will."""
IN_FORCE_FOR = LIFETIME + COMMITTED_WITHIN
"""Seconds from the revocation until the last token that was made before it has expired."""
KEY_IN_FORCE_FOR = 7 * 86400
"""The same for a signing key. Whoever has stolen it writes any expiry: so until nobody holds its public half."""


class Claim(StrEnum):
    """What a notice names. `ORG`: a Client of `authorizations` or `org_id`; `KID`: the header's key."""

    SID = "sid"
    SUB = "sub"
    JTI = "jti"
    CLIENT_ID = "client_id"
    ORG = "org"
    KID = "kid"


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """Tokens whose `claim` is `value` are no longer good.

    `epoch`: only those whose epoch is absent or smaller. `before`: only those made at that second or earlier. By
    `until` the last of them has expired. A `jti` is also meant by its part before the first dot, its Grant's id.
    """

    claim: Claim
    value: str
    epoch: int | None = None
    before: int | None = None
    until: int


def in_force_for(claim: Claim) -> int:
    """Seconds from the revocation for which a notice that names `claim` has to be known."""
    return KEY_IN_FORCE_FOR if claim is Claim.KID else IN_FORCE_FOR


def covers(notice: Notice, claims: Mapping[str, Any]) -> bool:
    """Whether a token with these claims is meant. Which key signed it they do not say: a `KID` covers none."""
    epoch, made_at = claims.get("epoch"), claims.get("iat")
    if notice.epoch is not None and type(epoch) is int and epoch >= notice.epoch:
        return False
    if notice.before is not None and type(made_at) is int and made_at > notice.before:
        return False
    return notice.value in _named(notice.claim, claims)


def _named(claim: Claim, claims: Mapping[str, Any]) -> tuple[object, ...]:
    match claim:
        case Claim.JTI:
            jti = str(claims.get("jti", ""))
            return jti, jti.partition(".")[0]
        case Claim.ORG:
            return claims.get("org_id"), *claims.get("authorizations", ())
        case Claim.KID:
            return ()
        case _:
            return (claims.get(claim),)
