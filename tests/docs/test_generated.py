"""What is made from the product stands on its page as the product makes it now."""

from __future__ import annotations

import re

import pytest

from providers import PROVIDERS
from tests.docs.generated import parts, with_parts
from tests.docs.reading import REFERENCE, headings, reference
from tests.rules.tree import text

PAGES = sorted(path for path in REFERENCE.glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_generated_part_is_up_to_date(page: object) -> None:
    """Else: python -m tests.docs.generated"""
    written = reference(getattr(page, "stem", ""))

    assert with_parts(written) == written


def test_every_part_stands_on_a_page() -> None:
    """Once."""
    written = "".join(text(page) for page in PAGES)

    assert sorted(re.findall(r"<!-- generated: ([\w -]+) -->", written)) == sorted(parts())


def test_every_provider_has_a_heading() -> None:
    """And no heading a Provider that is not there."""
    assert headings(reference("providers"))[1:] == list(PROVIDERS)
    assert [heading for heading in headings(reference("attributes")) if heading in PROVIDERS] == list(PROVIDERS)
