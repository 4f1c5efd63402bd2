"""Looks for text: in the answer to an Application, and in whatever the store was handed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from urllib.parse import parse_qs, urlsplit


def answer_of(url: str) -> dict[str, str]:
    """The parameters of an answer to an Application, each of which has to be there once."""
    query = parse_qs(urlsplit(url).query, strict_parsing=True)
    assert all(len(values) == 1 for values in query.values())
    return {name: values[0] for name, values in query.items()}


def texts_in(value: object) -> Iterator[str]:
    """Every piece of text and bytes inside, also of fields that repr leaves out."""
    match value:
        case str():
            yield value
        case bytes():
            yield value.decode("latin-1")
        case Mapping():
            for key, inner in value.items():
                yield from texts_in(key)
                yield from texts_in(inner)
        case list() | tuple() | set() | frozenset():
            for inner in value:
                yield from texts_in(inner)
        case _ if is_dataclass(value) and not isinstance(value, type):
            for each in fields(value):
                yield from texts_in(getattr(value, each.name))
        case _:
            return


def holds(place: object, text: str) -> bool:
    """Whether the text is anywhere in there."""
    return any(text in piece for piece in texts_in(place))
