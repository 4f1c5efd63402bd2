"""Owns the changes to Sessions."""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.ids import (
    ConnectionId,
    SessionId,
    UserId,
)
from broker.domain.session import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class AddSession:
    session: Session


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
