"""Owns the changes to a person comes in: attempts, Users, Identities."""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.identity import Identity
from broker.domain.ids import (
    AttemptId,
    UserId,
)
from broker.domain.user import User, UserStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class TakeAttempt:
    """Use up a sign-in attempt. `Conflict` when it was taken before. The row may go after `expires_at`."""

    attempt_id: AttemptId
    expires_at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AddUser:
    user: User


@dataclass(frozen=True, kw_only=True, slots=True)
class SetUserStatus:
    """Another status is another epoch; the same one changes nothing."""

    user_id: UserId
    status: UserStatus
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AddIdentity:
    """`Conflict` when the identity's hash is known already."""

    identity: Identity
