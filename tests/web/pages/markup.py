"""Owns reading a page the way a strict browser would: its elements, its text, whether everything is closed.

Refuses to repair: what is open at the end, or closed twice, is a problem of the page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"meta", "link", "img", "input", "source"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Element:
    """A start tag, the text inside it, and the form it stands in, as a number."""

    tag: str
    attributes: dict[str, str | None]
    form: int | None
    text: list[str] = field(default_factory=list)


class Page(HTMLParser):
    """A page that was read. `elements` in order; `misnested` names what was closed wrongly or not at all."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.misnested: list[str] = []
        self._open: list[Element] = []
        self._forms = 0
        self.feed(html)
        self.close()
        self.misnested += [element.tag for element in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element, and that it is open unless it is void."""
        if tag == "form":
            self._forms += 1
        inside = tag == "form" or any(element.tag == "form" for element in self._open)
        element = Element(tag=tag, attributes=dict(attrs), form=self._forms if inside else None)
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        """Close what is open, or note that it was not."""
        if self._open and self._open[-1].tag == tag:
            self._open.pop()
        else:
            self.misnested.append(tag)

    def handle_data(self, data: str) -> None:
        """Text belongs to everything that is open round it."""
        for element in self._open:
            element.text.append(data)

    def all(self, *tags: str) -> list[Element]:
        """Every element of these tags."""
        return [element for element in self.elements if element.tag in tags]

    def one(self, tag: str) -> Element:
        """The only element of this tag. ValueError if there is another number of them."""
        (element,) = self.all(tag)
        return element

    def values(self, attribute: str) -> list[str]:
        """Every value of this attribute, in order."""
        return [value for element in self.elements if (value := element.attributes.get(attribute)) is not None]

    def skeleton(self) -> list[tuple[str, tuple[str, ...]]]:
        """Tags and the names of their attributes, in order: the page without its words."""
        return [(element.tag, tuple(element.attributes)) for element in self.elements]

    def says(self) -> str:
        """What can be read on it, with single spaces."""
        return " ".join("".join(self.one("body").text).split())
