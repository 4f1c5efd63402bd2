"""Owns the changes to Connections, and what their Providers are still to be told."""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.domain.connection import Connection
from broker.domain.ids import ConnectionId
from broker.domain.outbox import PendingRevocation, RevocationResult


@dataclass(frozen=True, kw_only=True, slots=True)
class AddConnection:
    """`Conflict` when the identity has a Connection already."""

    connection: Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplaceConnection:
    """Write a whole Connection; `Conflict` unless the row's generation is still `expected_generation`."""

    connection: Connection
    expected_generation: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MarkConnection:
    """It needs a new sign-in; nothing else changes. `Conflict` unless it is active, and of `expected_generation`."""

    connection_id: ConnectionId
    expected_generation: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AddPendingRevocation:
    pending: PendingRevocation


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryRevocation:
    """Note a failed try. `Conflict` unless the row still has `expected_tries`."""

    id: str
    expected_tries: int
    next_try_at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ResealRevocation:
    """Put the same token there under another data key, unless it was destroyed meanwhile."""

    id: str
    sealed_token: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class SettleRevocation:
    """Note the final result and destroy the sealed token."""

    id: str
    result: RevocationResult
