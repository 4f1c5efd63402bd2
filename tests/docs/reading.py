"""Reads the documentation: sections by heading, rows of tables, names in code type, blocks by language.

A name is documented where a row of a table begins with it, or a heading holds it, in code type. Knows nothing of
the product.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.rules.tree import ROOT, text, told

DOCS = ROOT / "docs"
EXAMPLES = DOCS / "examples"
REFERENCE = DOCS / "reference"

_HEADING = re.compile(r"^(#{1,6}) (.+)$", re.MULTILINE)
_CODE = re.compile(r"`([^`]+)`")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CELLS = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A fenced block: what language it says it is in, its text, and where it begins."""

    language: str
    body: str
    place: str


def reference(name: str) -> str:
    """A page of docs/reference."""
    return text(REFERENCE / f"{name}.md")


def section(page: str, heading: str) -> str:
    """What stands below a heading, subsections included. Raises `LookupError`."""
    found = [
        (match.start(), match.end(), len(match[1]), match[2]) for match in _HEADING.finditer(_without_blocks(page))
    ]
    for number, (_, end, level, title) in enumerate(found):
        if title == heading:
            following = (start for start, _, other, _ in found[number + 1 :] if other <= level)
            return page[end : next(following, len(page))]
    raise LookupError(f"there is no heading {heading!r}")


def headings(page: str) -> list[str]:
    """Every heading, in order."""
    return [match[2] for match in _HEADING.finditer(_without_blocks(page))]


def rows(part: str) -> list[list[str]]:
    """The cells of every table row, headings and rulers left out."""
    lines = [line for line in part.splitlines() if line.startswith("|")]
    cells = [[cell.strip().replace("\\|", "|") for cell in _CELLS.split(line)[1:-1]] for line in lines]
    rulers = {number for number, row in enumerate(cells) if all(set(cell) <= {"-", ":"} for cell in row)}
    return [row for number, row in enumerate(cells) if number not in rulers and number + 1 not in rulers]


def code(cell: str) -> list[str]:
    """What stands in code type."""
    return _CODE.findall(cell)


def names(part: str) -> list[str]:
    """What the rows begin with, in code type."""
    return [name for row in rows(part) for name in code(row[0])]


def table(part: str) -> dict[str, list[str]]:
    """The rows by the name they begin with. Raises `ValueError` where one name has two rows."""
    found = [(name, row) for row in rows(part) for name in code(row[0])]
    if len({name for name, _ in found}) != len(found):
        raise ValueError(f"a name has two rows: {sorted(name for name, _ in found)}")
    return dict(found)


def examples() -> list[Path]:
    """Every file of an example."""
    return sorted(path for path in EXAMPLES.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def pages() -> list[Path]:
    """Every page that people read, the README and its neighbours included."""
    return [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]


def blocks(*languages: str) -> Iterator[Block]:
    """Every fenced block in one of these languages, on every page."""
    for page in pages():
        for match in _BLOCK.finditer(text(page)):
            if match[1] in languages:
                line = text(page).count("\n", 0, match.start()) + 1
                yield Block(language=match[1], body=match[2], place=told(page, line))


def _without_blocks(page: str) -> str:
    """The page with its fenced blocks blanked out, every character at its old place."""
    return _BLOCK.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), page)
