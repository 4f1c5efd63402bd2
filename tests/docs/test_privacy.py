"""Every promise of the privacy policy has a place in the code, and a test that shows it."""

from __future__ import annotations

import re

import pytest

from tests.docs.reading import code, rows
from tests.rules.tree import ROOT, text

PAGE = text(ROOT / "docs" / "explain" / "privacy.md")
PROMISES = [row for row in rows(PAGE) if len(row) == 3]


def test_there_are_promises() -> None:
    """And each has its place and its test."""
    assert len(PROMISES) > 25
    assert all(code(kept) and code(shown) for _, kept, shown in PROMISES)


@pytest.mark.parametrize(("promise", "kept", "shown"), PROMISES, ids=[row[0][:40] for row in PROMISES])
def test_a_promise_is_kept_and_shown_where_it_says(promise: str, kept: str, shown: str) -> None:
    """The files are there, and so is the test, by its name."""
    for place in code(kept):
        assert (ROOT / place).is_file(), promise
    for test in code(shown):
        file, _, name = test.partition("::")
        assert (ROOT / file).is_file(), promise
        assert not name or re.search(rf"^(?:async )?def {name}\(", text(ROOT / file), re.MULTILINE), promise
