"""Owns the User: an opaque, stable id and whether it may sign in. Refuses every personal attribute."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from broker.domain.errors import Refusal
from broker.domain.ids import UserId


class UserStatus(StrEnum):
    """Whether a User may sign in. Who is leaving is erased before long, unless they sign in to stay."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    LEAVING = "leaving"


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """A person known by an opaque id. `created_at` in seconds since the epoch.

    `epoch` grows with every change of what the User may do: a token that says a smaller one was made before.
    `accepted`: the `Documents.digest` of what they accepted last. `erase_at`: when they are to be erased.
    """

    id: UserId
    status: UserStatus
    created_at: int
    epoch: int = 0
    accepted: str | None = None
    erase_at: int | None = None


def require_active(user: User) -> None:
    """Raise `Refusal` unless the User may sign in and be given tokens."""
    if user.status is UserStatus.LEAVING:
        raise Refusal("account_leaving", "This account is about to be erased.", detail=f"user {user.id}")
    if user.status is not UserStatus.ACTIVE:
        raise Refusal("account_disabled", "This account has been switched off.", detail=f"user {user.id}")
