"""Owns what the broker still has to tell a Provider: revocations that must arrive although a network may fail now.

Refuses to keep a token longer than needed: the sealed token is destroyed with the last try.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from broker.domain.ids import ConnectionId, RegistrationId, UserId
from broker.domain.sealing import Place

TABLE = "pending_revocations"
FIRST_RETRY = 5
LONGEST_WAIT = 3600
GIVE_UP_AFTER = 7 * 24 * 3600
"""Seconds. A Provider that is away for a week is told by the token's own expiry."""


class RevocationResult(StrEnum):
    """What the Provider answered."""

    REVOKED = "revoked"
    ALREADY_DEAD = "already_dead"
    UNSUPPORTED = "unsupported"
    PENDING = "pending"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, kw_only=True, slots=True)
class PendingRevocation:
    """One token that its Provider has yet to be told about. `sealed_token` is None once `result` is final.

    Of a User who was erased, or whom nobody came to be, it has no Connection, and is the system's.
    """

    id: str
    connection_id: ConnectionId | None
    user_id: UserId
    registration: RegistrationId
    sealed_token: bytes | None = field(repr=False)
    tries: int
    next_try_at: int
    created_at: int
    result: RevocationResult

    @property
    def place(self) -> Place:
        """Where `sealed_token` belongs. It never changes, so a retry reads what was written at first."""
        return Place(
            table=TABLE,
            column="sealed_token",
            row_id=self.id,
            owner=self.user_id,
            registration=self.registration,
            generation=0,
        )


def due_at_once(
    id: str,
    connection_id: ConnectionId | None,
    user_id: UserId,
    registration: RegistrationId,
    now: int,
) -> PendingRevocation:
    """A new one, whose token is still to be sealed at its place."""
    return PendingRevocation(
        id=id,
        connection_id=connection_id,
        user_id=user_id,
        registration=registration,
        sealed_token=None,
        tries=0,
        next_try_at=now,
        created_at=now,
        result=RevocationResult.PENDING,
    )


def next_wait(tries: int) -> int:
    """Seconds until the next try: 5, 10, 20, … at most an hour."""
    return int(min(FIRST_RETRY * 2 ** min(tries, 20), LONGEST_WAIT))
