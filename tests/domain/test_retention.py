"""How long each class of data is kept."""

from __future__ import annotations

from broker.domain.retention import RetentionRules


def test_an_end_is_set_for_what_nobody_uses() -> None:
    """But for Users: nobody is erased because they were away, unless the policy says so."""
    rules = RetentionRules()

    assert (rules.sessions, rules.idle_tokens, rules.ledger) == (30, 365, 730)
    assert rules.idle_users is None
    assert rules.by_law == {}
