"""Owns the changes of retention and of legal holds.

What goes by a rule of retention goes by one of these, and none of them touches whoever is held at that moment.
"""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.hold import Hold
from broker.domain.ids import SessionId, UserId


@dataclass(frozen=True, kw_only=True, slots=True)
class PutHold:
    """Who is held already has another reference from now on, and is held since the same time."""

    hold: Hold


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveHold:
    user_id: UserId


@dataclass(frozen=True, kw_only=True, slots=True)
class RequireNotHeld:
    """`Conflict` when this User is held, or is not there. It goes with whatever destroys something of theirs."""

    user_id: UserId


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveGrantsOfSessions:
    """Delete what was granted in these Sessions, so that they can be deleted themselves."""

    session_ids: frozenset[SessionId]


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveSessions:
    """Delete these Sessions. They have ended, and nothing is left that was granted in them."""

    session_ids: frozenset[SessionId]
