"""How an account is erased."""

from __future__ import annotations

from broker.domain.erasure import ErasureRules


def test_there_is_a_week_for_second_thoughts() -> None:
    """Unless the policy says otherwise."""
    assert ErasureRules().grace_days == 7
