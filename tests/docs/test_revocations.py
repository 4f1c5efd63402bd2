"""The feed: every claim, member, event and end has a row, and the numbers are those of the code."""

from __future__ import annotations

import dataclasses
import re

import pytest

from broker.domain.revocation import Claim, Notice
from broker.web import events, feed
from broker.web.feed import End
from tests.docs.reading import names, reference, section
from tests.rules.tree import ROOT, text

PAGE = reference("revocations")


def _tables(heading: str) -> dict[str, list[str]]:
    """First words of the rows, by the first word of each table's head."""
    found = {}
    for block in section(PAGE, heading).split("\n\n"):
        if block.startswith("| "):
            found[block[2:].partition(" |")[0]] = names(block)
    return found


def test_every_event_member_and_claim_has_a_row() -> None:
    """And no row what is never told."""
    told = _tables("Events")

    assert set(told["claim"]) == {claim.value for claim in Claim}
    assert set(told["member"]) == {member.name for member in dataclasses.fields(Notice)}
    module = text(ROOT / "broker" / "web" / "events.py")
    assert sorted(told["event"]) == sorted(re.findall(r"event: (\w+)\\ndata", module))


def test_every_end_has_a_row() -> None:
    """As metrics and log name them."""
    assert set(names(section(PAGE, "When the stream ends"))) == {end.value for end in End}


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("every {} seconds", events.HEARTBEAT_EVERY),
        ("more than {} notices", feed.QUEUE),
        ("more than {} followers", feed.FOLLOWERS),
    ],
)
def test_numbers_are_those_of_the_code(said: str, number: float) -> None:
    """A bound that changes is noticed here."""
    assert said.format(int(number)) in PAGE.replace("\n", " ")
