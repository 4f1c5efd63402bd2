"""Owns how an answer gets back to an Application: by a URL that carries it (RFC 6749 section 4.1.2, RFC 9207), or by a
form that a page posts (OAuth 2.0 Form Post Response Mode 1.0).

Refuses nothing: the target is proven before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from urllib.parse import urlencode

ANSWERS = frozenset({"code", "state", "iss", "error", "error_description", "error_uri"})
"""Parameters of an answer. Were one in a registered target too, the Application would read the one or the other."""


class ResponseMode(StrEnum):
    """How an Application wants its answer (OAuth 2.0 Multiple Response Type Encoding Practices section 2.1)."""

    QUERY = "query"
    FORM_POST = "form_post"


class Asking(Protocol):
    """Who waits for an answer: an authorize request, or the refusal of one. `redirect_uri` is proven."""

    @property
    def redirect_uri(self) -> str: ...

    @property
    def state(self) -> str | None: ...

    @property
    def response_mode(self) -> ResponseMode: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Onward:
    """Send the browser to `url`: by a redirect, or (`fields` is not None) by a form that posts these fields there."""

    url: str = field(repr=False)
    fields: tuple[tuple[str, str], ...] | None = field(default=None, repr=False)


def answer_to(asking: Asking, issuer: str, **answer: str) -> Onward:
    """The answer on its way, with the request's `state` and our `iss`."""
    state = {} if asking.state is None else {"state": asking.state}
    pairs = answer | state | {"iss": issuer}
    if asking.response_mode is ResponseMode.FORM_POST:
        return Onward(url=asking.redirect_uri, fields=tuple(pairs.items()))
    return Onward(url=_with_query(asking.redirect_uri, pairs))


def with_state(uri: str, state: str | None) -> str:
    """`uri` with `state` added to its query, if there is one (RP-Initiated Logout 1.0 section 3)."""
    return uri if state is None else _with_query(uri, {"state": state})


def _with_query(uri: str, pairs: dict[str, str]) -> str:
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(pairs)}"
