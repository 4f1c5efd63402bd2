"""Owns views with anything in them: made up by Hypothesis from the types alone, or an existing one told in other words.

Refuses to know any view by name, so that a new one is covered on the day it is written.
"""

from __future__ import annotations

import dataclasses
import types
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from broker.web.pages.views import View

T = TypeVar("T")

ADDRESSES = ("href", "action")
"""Fields that hold an address: any words may follow its first slash."""
PREFIX = "prefix"
"""The field that holds the issuer's path: empty, or a path."""

WORDS = st.one_of(
    st.sampled_from(
        (
            "",
            "Ada",
            "<script>alert(1)</script>",
            "\"' onfocus=alert(1) autofocus x='",
            "--></title></textarea><h1>",
            "&lt;b&gt; {{ 7 * 7 }} {% raw %}",
            "\u202egnp.exe",
            "\u0645\u0631\u062d\u0628\u0627",
            "x" * 300,
        )
    ),
    # What HTML cannot carry at all (NUL, surrogates) or rewrites (carriage return) is not a question of escaping.
    st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=300),
)
MOMENTS = st.integers(min_value=0, max_value=4_102_444_800)  # to the end of the century


def any_view(*kinds: type[View]) -> st.SearchStrategy[View]:
    """Any view of these kinds, or of every kind, with anything in it."""
    return st.one_of([_anything(kind, "") for kind in kinds or get_args(View)])


def retold(thing: T, words: str) -> T:
    """The same, with `words` in every place where there were words. What was empty or a closed choice stays."""
    retelling: T = _retold(thing, type(thing), "", words)
    return retelling


def _anything(hint: Any, name: str) -> st.SearchStrategy[Any]:
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        hints = get_type_hints(hint)
        return st.builds(hint, **{field: _anything(kind, field) for field, kind in hints.items()})
    arguments = get_args(hint)
    if get_origin(hint) is Literal:
        return st.sampled_from(arguments)
    if get_origin(hint) in (types.UnionType, Union):
        return st.one_of([_anything(argument, name) for argument in arguments])
    if get_origin(hint) is tuple:
        if arguments[-1] is Ellipsis:
            return st.lists(_anything(arguments[0], name), max_size=2).map(tuple)
        return st.tuples(*(_anything(argument, name) for argument in arguments))
    return {str: _text(name), int: MOMENTS, bool: st.booleans(), types.NoneType: st.none()}[hint]


def _text(name: str) -> st.SearchStrategy[str]:
    if name in ADDRESSES:
        return WORDS.map("/-{}".format)
    return st.sampled_from(("", "/id")) if name == PREFIX else WORDS


def _retold(thing: Any, hint: Any, name: str, words: str) -> Any:
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        hints = get_type_hints(type(thing))
        told = {field: _retold(getattr(thing, field), kind, field, words) for field, kind in hints.items()}
        return dataclasses.replace(thing, **told)
    if isinstance(thing, tuple):
        kinds = get_args(hint)
        return tuple(_retold(part, kinds[0], name, words) for part in thing)
    if not isinstance(thing, str) or not thing or name == PREFIX or thing in _choices(hint):
        return thing
    return f"/-{words}" if name in ADDRESSES else words


def _choices(hint: Any) -> tuple[Any, ...]:
    """What a closed choice can be, also one that may be absent; nothing where any words will do."""
    if get_origin(hint) is Literal:
        return get_args(hint)
    return tuple(choice for argument in get_args(hint) for choice in _choices(argument))
