"""Owns the documents that people accept: what they say, in sections, and which version of them it is.

Refuses a version by hand: it is the hash of the words, so that other words are another version.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

ADULT = 18
"""Years. Nobody younger is let in."""
_DAY = 24 * 3600
_PARAGRAPHS = re.compile(r"\n[ \t]*\n")


class DocumentRefused(Exception):
    """A document that cannot be shown; the text says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentSection:
    """A heading and its paragraphs, plain text each."""

    title: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LegalDocument:
    """One version of a document. `version`: SHA-256 of its words, in hex. `revised`: seconds since the epoch."""

    version: str
    revised: int
    sections: tuple[DocumentSection, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Documents:
    """What is in force. `asked`: whether people have to accept both, and to say that they are adults.

    `grace_days`: how long what a User has goes on when there is a new version that they have not accepted.
    """

    asked: bool
    grace_days: int = 30
    privacy: LegalDocument | None = None
    terms: LegalDocument | None = None

    @property
    def versions(self) -> tuple[str, ...]:
        """What has to be accepted, the privacy policy first; empty when nothing is asked."""
        return tuple(d.version for d in (self.privacy, self.terms) if d is not None) if self.asked else ()

    @property
    def digest(self) -> str:
        """Stands for all of these versions together: what a User is noted with who has accepted them. "" for none."""
        return hashlib.sha256(" ".join(self.versions).encode()).hexdigest() if self.asked else ""

    @property
    def demanded_from(self) -> int:
        """When the time ends that a new version leaves to those who have not accepted it. Seconds since the epoch."""
        newest = max((d.revised for d in (self.privacy, self.terms) if d is not None), default=0)
        return newest + self.grace_days * _DAY

    def lacks(self, accepted: str | None) -> bool:
        """Whether whoever accepted what `accepted` stands for is asked at their next sign-in."""
        return self.asked and accepted != self.digest

    def demanded(self, now: int) -> str | None:
        """What whoever is signed in has to have accepted by now; None where nothing is, or there is time left."""
        return self.digest if self.asked and now >= self.demanded_from else None

    def overdue(self, accepted: str | None, now: int) -> bool:
        """Whether whoever accepted what `accepted` stands for cannot go on without accepting what is in force."""
        return self.demanded(now) not in (None, accepted)


NOTHING_ASKED = Documents(asked=False)


def read(text: str, revised: int) -> LegalDocument:
    """Read a document: "## " begins a section, blank lines part paragraphs. Raises `DocumentRefused`.

    What stands before the first section is left out: a title, which the page has anyway.
    """
    _, *parts = re.split(r"(?m)^## ", f"\n{text}")
    sections = tuple(_section(part) for part in parts)
    if not sections:
        raise DocumentRefused('has no section; each begins with a line "## Its title"')
    version = hashlib.sha256(text.encode()).hexdigest()
    return LegalDocument(version=version, revised=revised, sections=sections)


def _section(part: str) -> DocumentSection:
    title, _, rest = part.partition("\n")
    paragraphs = tuple(" ".join(words.split()) for words in _PARAGRAPHS.split(rest) if words.strip())
    if not title.strip() or not paragraphs:
        raise DocumentRefused(f'section "{title.strip()}" has no title, or nothing in it')
    return DocumentSection(title=title.strip(), paragraphs=paragraphs)
