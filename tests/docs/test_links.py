"""What the documents point at."""

from __future__ import annotations

import re

from tests.rules.tree import ROOT, files, text, told

LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)")  # neither an address nor a heading of the same page


def test_every_link_between_documents_leads_somewhere() -> None:
    """A moved or missing file is noticed before a reader does."""
    broken = [
        f"{told(page)} -> {target}"
        for page in files(".md")
        for target in LINK.findall(text(page))
        if not (page.parent / target).exists()
    ]

    assert broken == []


def test_the_readme_gives_the_two_commands() -> None:
    """From a clone to a running broker, and to a proof that it works."""
    readme = text(ROOT / "README.md")

    assert "make demo" in readme
    assert "make test" in readme


def test_decisions_are_numbered_without_gaps_and_listed() -> None:
    """Each record has a number of its own and stands in the list."""
    records = [path for path in files(".md", "docs/decisions") if path.name[0].isdigit()]
    listed = text(ROOT / "docs" / "decisions" / "index.md")

    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    assert [path.name for path in records if path.name not in listed] == []
