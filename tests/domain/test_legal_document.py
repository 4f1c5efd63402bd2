"""The documents that people accept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.legal_document import ADULT, NOTHING_ASKED, DocumentRefused, Documents, DocumentSection, read

REVISED = 1795305600
WORDS = """# Privacy

Left out.

## What is kept

Little, and
nothing else.
 \t
For as long as needed.

##  Leaving  \nAt any time.
"""


def test_a_document_is_read_in_sections_and_paragraphs() -> None:
    """A line that is broken goes on; the title is the page's own."""
    document = read(WORDS, REVISED)

    assert document.revised == REVISED
    assert document.sections == (
        DocumentSection(title="What is kept", paragraphs=("Little, and nothing else.", "For as long as needed.")),
        DocumentSection(title="Leaving", paragraphs=("At any time.",)),
    )


@given(st.text(), st.text())
def test_other_words_are_another_version(before: str, after: str) -> None:
    """And the same words are the same one, whatever date they bear."""
    one, two = (read(f"## A\nB\n\n{more.encode(errors='replace').decode()}", REVISED) for more in (before, after))

    assert (one.version == two.version) is (before.encode(errors="replace") == after.encode(errors="replace"))
    assert read(WORDS, REVISED).version == read(WORDS, REVISED + 1).version
    assert len(one.version) == 64


@pytest.mark.parametrize("text", ["", "Words.", "# Title\n\nWords.", "### Deeper\n\nWords.", "x ## y\nz"])
def test_a_document_without_a_section_is_refused(text: str) -> None:
    """It would be shown as an empty page."""
    with pytest.raises(DocumentRefused, match="has no section"):
        read(text, REVISED)


@pytest.mark.parametrize("text", ["## Title", "## Title\n\n \n", "## \nWords.", "## One\nWords.\n## Two\n"])
def test_a_section_without_a_title_or_words_is_refused(text: str) -> None:
    """Wherever it stands."""
    with pytest.raises(DocumentRefused, match="no title, or nothing in it"):
        read(text, REVISED)


def test_what_has_to_be_accepted_are_the_versions_in_force() -> None:
    """None where nothing is asked."""
    privacy, terms = read(WORDS, REVISED), read("## A\nB", REVISED)

    assert Documents(asked=True, privacy=privacy, terms=terms).versions == (privacy.version, terms.version)
    assert Documents(asked=False, privacy=privacy, terms=terms).versions == NOTHING_ASKED.versions == ()
    assert ADULT == 18
