"""Owns how an account is erased: the time for second thoughts, and the receipt, which says what was destroyed.

Refuses personal data in a receipt: its User is named by a hash that only those can make who know the id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from broker.domain.ids import RegistrationId, UserId
from broker.domain.outbox import PendingRevocation, RevocationResult

KEEP_PAGE = "/account/keep"
"""Whoever signs in to come here keeps their account."""
_DAY = 24 * 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class ErasureRules:
    """`grace_days`: how long a User can change their mind; 0: erased at once."""

    grace_days: int = 7

    def erase_at(self, now: int) -> int:
        """When whoever asks now is erased. Seconds since the epoch."""
        return now + self.grace_days * _DAY


@dataclass(frozen=True, kw_only=True, slots=True)
class ErasedToken:
    """A Provider's tokens that were destroyed here. `pending_id`: what the outbox tells the Provider, if it can."""

    registration: RegistrationId
    pending_id: str | None
    result: RevocationResult


@dataclass(frozen=True, kw_only=True, slots=True)
class Erased:
    """What went. `destroyed`: how many rows, by table."""

    user_id: UserId
    at: int
    destroyed: Mapping[str, int]
    tokens: tuple[ErasedToken, ...]


def receipt(
    erased: Erased,
    told: Mapping[str, PendingRevocation],
    pages: Mapping[RegistrationId, str | None],
    *,
    issuer: str,
) -> dict[str, Any]:
    """What is signed. `told`: what came of the outbox by now; `pages`: where people can see to it at a Provider."""
    return {
        "issuer": issuer,
        "erased_at": erased.at,
        "user": hashlib.sha256(erased.user_id.encode()).hexdigest(),
        "destroyed": dict(erased.destroyed),
        "tokens": [_token(token, told, pages) for token in erased.tokens],
    }


def _token(
    token: ErasedToken, told: Mapping[str, PendingRevocation], pages: Mapping[RegistrationId, str | None]
) -> dict[str, Any]:
    pending = told.get(token.pending_id or "")
    result = token.result if pending is None else pending.result
    said: dict[str, Any] = {"registration": token.registration, "result": result.value}
    if pending is not None and result is RevocationResult.PENDING:
        said["next_try_at"] = pending.next_try_at
    if result in (RevocationResult.UNSUPPORTED, RevocationResult.GIVEN_UP) and pages.get(token.registration):
        said["page"] = pages[token.registration]
    return said


def results_of(document: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """Of a receipt: each registration, and what came of its tokens."""
    return [(token["registration"], token["result"]) for token in document["tokens"]]
