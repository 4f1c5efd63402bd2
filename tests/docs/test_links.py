"""What the documents point at."""

from __future__ import annotations

import re
from pathlib import Path

from tests.docs.reading import code, headings, pages, rows, section
from tests.rules.tree import ROOT, files, text, told

LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)")  # neither an address nor a heading of the same page
HEADING = re.compile(r"\]\((?![a-z]+:)([^)#\s]*)#([^)\s]+)\)")
PLACE = re.compile(r"(?:broker|docs|providers|tests|benchmarks)/[\w./-]*")
NAMED = re.compile(r"`(\w+)`\s+in\s+`((?:broker|providers)/[\w/]+\.py)`")


def test_every_link_between_documents_leads_somewhere() -> None:
    """A moved or missing file is noticed before a reader does."""
    broken = [
        f"{told(page)} -> {target}"
        for page in files(".md")
        for target in LINK.findall(text(page))
        if not (page.parent / target).exists()
    ]

    assert broken == []


def _anchors(page: Path) -> set[str]:
    """What headings are called in addresses: lower case, punctuation dropped, spaces to dashes."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings(text(page))}


def test_every_link_to_a_heading_finds_it() -> None:
    """Also after a heading was reworded."""
    broken = [
        f"{told(page)} -> {target}#{anchor}"
        for page in pages()
        for target, anchor in HEADING.findall(text(page))
        if anchor not in _anchors(page.parent / target if target else page)
    ]

    assert broken == []


def test_every_file_that_is_named_is_there() -> None:
    """In code type, from the project's root."""
    missing = [
        f"{told(page)} -> {place}"
        for page in pages()
        for place in code(text(page))
        if PLACE.fullmatch(place) and not (ROOT / place).exists()
    ]

    assert missing == []


def test_every_name_is_in_the_file_that_is_named_with_it() -> None:
    """`this` in `that/file.py`."""
    found = [(page, name, place) for page in pages() for name, place in NAMED.findall(text(page))]

    assert found
    assert [
        f"{told(page)}: {name} is not in {place}" for page, name, place in found if name not in text(ROOT / place)
    ] == []


def test_whoever_sees_a_providers_token_is_listed() -> None:
    """docs/explain/structure.md names every file that handles one in clear."""
    structure = text(ROOT / "docs" / "explain" / "structure.md")
    listed = {place for row in rows(section(structure, "Who may see what")) for place in code(row[0])}
    see = re.compile(r"UpstreamTokens|TokenAnswer|open_tokens|verified\.tokens")
    handle = {
        told(path)
        for path in files(".py", "broker")
        if see.search(text(path)) or (path.parent.name == "upstream" and "access_token" in text(path))
    } - {told(path) for path in files(".py", "broker/demo")}

    assert listed - {"broker/crypto/vault.py", "broker/crypto/envelope.py"} == handle


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
