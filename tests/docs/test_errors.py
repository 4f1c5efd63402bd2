"""Error codes: every one that the broker can make has a row, in the section of its kind, with its status."""

from __future__ import annotations

import pytest

from broker.domain.errors import BrokerError, Fault, OAuthRefusal, Refusal
from broker.web.errors import STATUSES, status_of
from tests.docs.codes import Found, collect, error_classes
from tests.docs.reading import names, reference, section, table

SECTIONS = {
    "Refusals": {"Refusal", "NotFound", "NotOnForm", "TooEarly", "TooMany"},
    "Told to the Application": {"RequestRefused"},
    "Answers to software": {"OAuthRefusal", "CodeMisused"},
    "Faults": {"Fault"},
    "Never answered": {"BrokerError", "Conflict", "KeyringRefused", "NotReady", "SealBroken", "SigningKeyRefused"},
}


@pytest.fixture(scope="module")
def found() -> Found:
    return collect()


def test_every_code_can_be_read_out_of_the_code(found: Found) -> None:
    """An error whose code cannot be told from the source could not be documented."""
    assert found.lost == []


def test_every_kind_of_error_has_a_section() -> None:
    """A new class of errors is given its place here."""
    assert set().union(*SECTIONS.values()) == set(error_classes())


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_code_has_a_row(found: Found, heading: str) -> None:
    """And no row a code that is never made."""
    made = set().union(*(found.codes.get(kind, set()) for kind in SECTIONS[heading]))

    assert set(names(section(reference("errors"), heading))) == made


@pytest.mark.parametrize(("heading", "kind"), [("Refusals", Refusal), ("Answers to software", OAuthRefusal)])
def test_every_row_has_the_status_of_its_code(heading: str, kind: type[BrokerError]) -> None:
    """As `web/errors.py` chooses it."""
    told = {code: row[1] for code, row in table(section(reference("errors"), heading)).items()}

    assert told == {code: str(status_of(kind(code, "A sentence."))) for code in told}


def test_no_status_is_chosen_for_a_code_that_is_never_made(found: Found) -> None:
    """A renamed code takes its status along."""
    assert set(STATUSES) - set().union(*found.codes.values()) == set()
    assert status_of(Fault("any", "A sentence.")) == 503
