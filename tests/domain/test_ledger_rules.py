"""What the policy says about the ledger."""

from __future__ import annotations

from broker.domain.ledger_rules import LedgerRules


def test_no_address_is_held_unless_the_policy_says_so() -> None:
    """Default deny, as for attributes."""
    assert LedgerRules().address == "none"
