"""Where somebody signed in from: not at all, or roughly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.ledger_rules import LedgerRules, shortened


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("127.0.0.1", "127.0.0.0/24"),
        ("", None),
        ("unknown", None),
        ("203.0.113.77, 10.0.0.1", None),
        ("ada@acme.example", None),
    ],
)
def test_an_address_is_shortened_to_its_network(address: str, network: str | None) -> None:
    """What is no address is nothing."""
    assert shortened(address) == network
    assert LedgerRules(address="shortened").told_of(address) == network


def test_without_a_rule_nothing_is_told() -> None:
    """Default deny."""
    assert (LedgerRules().address, LedgerRules().told_of("203.0.113.77")) == ("none", None)


@given(st.ip_addresses(v=4))
def test_neighbours_cannot_be_told_apart(address: object) -> None:
    """The last number is gone."""
    head = str(address).rpartition(".")[0]

    assert {shortened(f"{head}.{last}") for last in (0, 1, 77, 255)} == {f"{head}.0/24"}
