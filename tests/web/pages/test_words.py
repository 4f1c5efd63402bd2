"""How things are said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.web.pages import words

NOW = 1_795_356_300
MINUTE, HOUR, DAY = 60, 3600, 86400


def test_a_moment_is_said_with_its_day_minute_and_zone() -> None:
    """Nobody has to guess whose clock it is."""
    assert words.exact(NOW) == "22 November 2026, 14:05 UTC"
    assert words.day(NOW) == "22 November 2026"
    assert words.machine(NOW) == "2026-11-22T14:05:00Z"
    assert words.exact(0) == "1 January 1970, 00:00 UTC"


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (0, "just now"),
        (59, "just now"),
        (MINUTE, "1 minute ago"),
        (HOUR - 1, "59 minutes ago"),
        (HOUR, "1 hour ago"),
        (DAY - 1, "23 hours ago"),
        (DAY, "1 day ago"),
        (3 * DAY, "3 days ago"),
        (30 * DAY - 1, "29 days ago"),
        (30 * DAY, "23 October 2026"),
        (-59, "just now"),
        (-2 * MINUTE, "in 2 minutes"),
        (-DAY, "in 1 day"),
        (-40 * DAY, "1 January 2027"),
    ],
)
def test_a_distance_is_said_in_its_largest_unit(before: int, said: str) -> None:
    """Beyond a month the day itself says more."""
    assert words.ago(NOW - before, NOW) == said


@given(at=st.integers(min_value=0, max_value=4_102_444_800))
def test_every_moment_can_be_said(at: int) -> None:
    """For machines and people, at any time of this century."""
    assert words.machine(at)[:4] == words.day(at)[-4:]
    assert words.exact(at).startswith(words.day(at))


@pytest.mark.parametrize(
    ("things", "said"), [((), ""), (("a",), "a"), (("a", "b"), "a and b"), (("a", "b", "c"), "a, b and c")]
)
def test_a_list_is_said_with_and_before_its_last(things: tuple[str, ...], said: str) -> None:
    """As people say lists."""
    assert words.listed(things) == said


def test_an_attribute_has_a_name_in_words() -> None:
    """One that nobody thought of is at least readable."""
    assert words.attribute("given_name") == "First name"
    assert words.attribute("employee_number") == "Employee number"
    assert words.attributes(("name", "email")) == "name and email address"


def test_what_is_asked_for_is_one_sentence() -> None:
    """With nothing to keep, it says that."""
    assert words.asks_for("Google", ("email",)) == "Of your Google profile we keep your email address. Nothing else."
    assert words.asks_for("Google", ()) == "Of your Google profile we keep nothing, only that the account is yours."


def test_a_scope_is_said_in_words_and_two_of_the_same_meaning_once() -> None:
    """Google names the same permission in two ways."""
    assert words.scopes(("openid", "email", "https://www.googleapis.com/auth/userinfo.email")) == (
        "Know which account is yours",
        "See your email address",
    )
    assert words.scope("chat:write") == "Use what the provider calls “chat:write”"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("invoices:read", "Read invoices"),
        ("credit_notes:write", "Change credit notes"),
        ("purchase-orders:approve", "Approve purchase orders"),
        ("Signatory", "Signatory"),
        ("invoices:frobnicate", "invoices:frobnicate"),
        (":read", ":read"),
        ("", ""),
    ],
)
def test_a_right_is_said_in_words_where_its_form_is_known(name: str, said: str) -> None:
    """A Client's own word is left as the Client wrote it."""
    assert words.right(name) == said
