"""Owns how long each class of data is kept once nobody uses it. Days, all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class LawfulKeeping:
    """Events of the ledger which a law wants kept. `actions`: which ones; `ground`: which law, in words."""

    actions: frozenset[str]
    days: int
    ground: str


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
