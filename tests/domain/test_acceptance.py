"""What a User has agreed to: versions, being an adult, and how long a new version may wait."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from broker.domain.acceptance import Accepted, acceptances
from broker.domain.legal_document import NOTHING_ASKED, Documents, read
from tests.domain.world import ADA, NOW

MARCH = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())
PRIVACY = read("## Privacy\n\nAll is well.", MARCH)
TERMS = read("## Terms\n\nBe kind.", MARCH - 28 * 86400)
ASKED = Documents(asked=True, grace_days=30, privacy=PRIVACY, terms=TERMS)
OTHERS = Documents(asked=True, privacy=read("## Privacy\n\nOther words.", MARCH), terms=TERMS)
DEMANDED_FROM = MARCH + 30 * 86400


def test_everything_in_force_is_accepted_at_once() -> None:
    """Each document by its version, and that the person is an adult by the age."""
    lines = acceptances(ASKED, ADA, NOW)

    assert {line.document: line.version for line in lines} == {
        Accepted.PRIVACY: PRIVACY.version,
        Accepted.TERMS: TERMS.version,
        Accepted.ADULT: "18",
    }
    assert {(line.user_id, line.at) for line in lines} == {(ADA, NOW)}


def test_a_document_that_is_not_there_is_not_accepted() -> None:
    """Nobody accepts what nobody can read."""
    lines = acceptances(Documents(asked=True, terms=TERMS), ADA, NOW)

    assert [line.document for line in lines] == [Accepted.TERMS, Accepted.ADULT]


def test_other_words_are_asked_for_again() -> None:
    """Of one document of the two; the same words are not, and nobody who accepted nothing is let by."""
    assert not ASKED.lacks(ASKED.digest)
    assert ASKED.lacks(OTHERS.digest)
    assert ASKED.lacks(None)
    assert ASKED.lacks("")


def test_where_nothing_is_asked_nothing_is_lacking() -> None:
    """Not even to somebody who accepted something once."""
    assert NOTHING_ASKED.digest == ""
    assert not NOTHING_ASKED.lacks(None)
    assert not NOTHING_ASKED.lacks(ASKED.digest)
    assert NOTHING_ASKED.demanded(DEMANDED_FROM) is None


def test_nothing_can_be_exchanged_between_the_two_documents() -> None:
    """Which of them says what is a part of what is accepted."""
    assert Documents(asked=True, privacy=TERMS, terms=PRIVACY).digest != ASKED.digest


@pytest.mark.parametrize(("at", "demanded"), [(-1, False), (0, True), (1, True)])
def test_a_new_version_is_demanded_when_its_time_is_over(at: int, demanded: bool) -> None:
    """Counted from the day on which the newest was revised."""
    assert ASKED.demanded(DEMANDED_FROM + at) == (ASKED.digest if demanded else None)
    assert ASKED.overdue(OTHERS.digest, DEMANDED_FROM + at) is demanded
    assert ASKED.overdue(None, DEMANDED_FROM + at) is demanded
    assert not ASKED.overdue(ASKED.digest, DEMANDED_FROM + at)


def test_without_days_of_grace_it_is_demanded_from_its_day_on() -> None:
    """Zero days are zero days."""
    at_once = Documents(asked=True, grace_days=0, privacy=PRIVACY, terms=TERMS)

    assert at_once.demanded_from == DEMANDED_FROM - 30 * 86400
