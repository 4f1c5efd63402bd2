"""Owns how long each class of data is kept once nobody uses it. Days, all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from broker.domain.grant import REFRESH_LIFETIME
from broker.domain.ledger_chain import PRUNE

DAY = 24 * 3600
MARKS = frozenset({PRUNE, "policy.in_force"})
"""Events that tell how to read the others. Nobody is in them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LawfulKeeping:
    """Events of the ledger which a law wants kept. `actions`: which ones; `ground`: which law, in words."""

    actions: frozenset[str]
    days: int
    ground: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerClass:
    """Events that are kept for equally long: of these `actions`, or of all `others`."""

    days: int
    actions: frozenset[str]
    others: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class RetentionRules:
    """How long what is kept.

    `sessions`: after they ended, with what was granted in them. `idle_tokens`: a Provider's tokens of a Connection that
    nobody has used. `idle_users`: Users who did not sign in. `ledger`: events, but for those `by_law`, by name. None:
    no end is set.
    """

    sessions: int = 30
    idle_tokens: int | None = 365
    idle_users: int | None = None
    ledger: int | None = 730
    by_law: Mapping[str, LawfulKeeping] = field(default_factory=dict)

    def sessions_over(self, now: int) -> tuple[int, int]:
        """Until when a Session must have ended; and until when one that nobody ended must have begun, to be over."""
        ended = now - self.sessions * DAY
        return ended, ended - REFRESH_LIFETIME

    def tokens_over(self, now: int) -> int | None:
        """Until when a Connection must have been used last for its tokens to go."""
        return None if self.idle_tokens is None else now - self.idle_tokens * DAY

    def users_over(self, now: int) -> int | None:
        """Until when Users must have signed in last to be erased."""
        return None if self.idle_users is None else now - self.idle_users * DAY

    def ledger_days(self, action: str) -> int | None:
        """How long these events are kept; None: for good."""
        if self.ledger is None or action in MARKS:
            return None
        return max([self.ledger, *(one.days for one in self.by_law.values() if action in one.actions)])

    def ledger_classes(self) -> tuple[LedgerClass, ...]:
        """Every event that ever goes is in exactly one of these, the shortest first."""
        if self.ledger is None:
            return ()
        named = {action for one in self.by_law.values() for action in one.actions} - MARKS
        days = {action: max(self.ledger, self.ledger_days(action) or 0) for action in named}
        longer = {action: kept for action, kept in days.items() if kept > self.ledger}
        return (
            LedgerClass(days=self.ledger, actions=MARKS.union(longer), others=True),
            *(
                LedgerClass(days=kept, actions=frozenset(a for a in longer if longer[a] == kept), others=False)
                for kept in sorted(set(longer.values()))
            ),
        )
