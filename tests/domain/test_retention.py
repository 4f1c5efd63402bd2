"""How long each class of data is kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.grant import REFRESH_LIFETIME
from broker.domain.retention import DAY, MARKS, LawfulKeeping, RetentionRules


def test_an_end_is_set_for_what_nobody_uses() -> None:
    """But for Users: nobody is erased because they were away, unless the policy says so."""
    rules = RetentionRules()

    assert (rules.sessions, rules.idle_tokens, rules.ledger) == (30, 365, 730)
    assert rules.idle_users is None
    assert rules.by_law == {}


def test_when_what_is_over() -> None:
    """A Session that nobody ended has ended with its last refresh token."""
    rules, now = RetentionRules(sessions=2, idle_tokens=3, idle_users=4), 100 * DAY

    assert rules.sessions_over(now) == (98 * DAY, 98 * DAY - REFRESH_LIFETIME)
    assert (rules.tokens_over(now), rules.users_over(now)) == (97 * DAY, 96 * DAY)


def test_without_an_end_nothing_is_over() -> None:
    """Whatever a law wants kept."""
    law = {"books": LawfulKeeping(actions=frozenset({"apply"}), days=9, ground="a law")}
    rules = RetentionRules(idle_tokens=None, ledger=None, by_law=law)

    assert rules.tokens_over(0) is rules.users_over(0) is rules.ledger_days("apply") is None
    assert rules.ledger_classes() == ()


ACTIONS = ("apply", "refresh", "redeem", "sign_in", *sorted(MARKS))
LAWS = st.lists(
    st.builds(
        LawfulKeeping,
        actions=st.frozensets(st.sampled_from(ACTIONS), min_size=1),
        days=st.integers(1, 60),
        ground=st.just("a law"),
    ),
    max_size=4,
)


@given(st.integers(1, 60), LAWS)
def test_every_event_that_goes_is_in_one_class(days: int, laws: list[LawfulKeeping]) -> None:
    """That of the longest rule about it; the marks, by which the others are read, are in none."""
    rules = RetentionRules(ledger=days, by_law={str(number): law for number, law in enumerate(laws)})
    for action in ACTIONS:
        of = [one for one in rules.ledger_classes() if (action in one.actions) is not one.others]
        longest = max([days, *(law.days for law in laws if action in law.actions)])
        assert all(isinstance(one.actions, frozenset) for one in of)
        assert [one.days for one in of] == ([] if action in MARKS else [longest])
        assert rules.ledger_days(action) == (None if action in MARKS else longest)


@pytest.mark.parametrize("action", sorted(MARKS))
def test_marks_are_no_law_s_business(action: str) -> None:
    """A class that names nothing else is no class."""
    rules = RetentionRules(by_law={"x": LawfulKeeping(actions=frozenset({action}), days=9999, ground="a law")})

    assert [one.days for one in rules.ledger_classes()] == [730]
