"""Owns the changes to Sessions, and what Applications are still to be told of their end.

Whom an end concerns no flow has to say: the store writes it down with the end itself (broker/storage/logouts.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.ids import (
    ApplicationId,
    ConnectionId,
    KeyedHash,
    SessionId,
    UserId,
)
from broker.domain.logout import LogoutResult
from broker.domain.session import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class AddSession:
    session: Session


@dataclass(frozen=True, kw_only=True, slots=True)
class RenewSession:
    """Put a Session under a new cookie, after a new sign-in. `Conflict` unless it has the one it had, and lives on."""

    session: Session
    expected_secret: KeyedHash


@dataclass(frozen=True, kw_only=True, slots=True)
class TouchSession:
    session_id: SessionId
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class EndSession:
    """End one Session of one User; ending an ended one changes nothing."""

    session_id: SessionId
    user_id: UserId
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class EndOtherSessions:
    """End all of a User's Sessions but one."""

    user_id: UserId
    but: SessionId
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class EndSessionsOfConnection:
    """End every Session that began through a Connection."""

    connection_id: ConnectionId
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class EndSessionsOfUser:
    """End every Session of a User, also those that are over by themselves and only keep Grants alive."""

    user_id: UserId
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class EndSessionsOfUpstream:
    """End the Sessions that began in one session at a Provider; of a Connection also those that do not say in which."""

    upstream_sid: KeyedHash
    connection_id: ConnectionId | None
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryLogout:
    """Note a try that is about to be made. `Conflict` unless the row still has `expected_tries`, and is not settled."""

    about: str
    application_id: ApplicationId
    expected_tries: int
    next_try_at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SettleLogout:
    """Note the final result."""

    about: str
    application_id: ApplicationId
    result: LogoutResult
