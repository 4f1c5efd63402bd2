"""Owns the changes that a person comes in with: attempts, Users, Identities, and what they agree to."""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.acceptance import Acceptance, Choice
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Accept:
    """`Conflict` when the same was accepted in that second. `SetAccepted` or `AddUser` beside it notes all of it."""

    acceptance: Acceptance


@dataclass(frozen=True, kw_only=True, slots=True)
class SetAccepted:
    """Note on the User what they accepted last: it is compared with what is in force."""

    user_id: UserId
    accepted: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PutChoice:
    """What was said about this subject before is no longer known."""

    choice: Choice
