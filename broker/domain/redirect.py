"""Owns the URL that carries an answer back to an Application (RFC 6749 section 4.1.2, RFC 9207).

Refuses nothing: the target is proven before.
"""

from __future__ import annotations

from urllib.parse import urlencode

ANSWERS = frozenset({"code", "state", "iss", "error", "error_description", "error_uri"})
"""Parameters of an answer. Were one in a registered target too, the Application would read the one or the other."""


def answer_url(redirect_uri: str, issuer: str, state: str | None, **answer: str) -> str:
    """`redirect_uri` with the answer, the request's `state` and our `iss` added to its query."""
    pairs = answer | ({} if state is None else {"state": state}) | {"iss": issuer}
    return f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{urlencode(pairs)}"


def with_state(uri: str, state: str | None) -> str:
    """`uri` with `state` added to its query, if there is one (RP-Initiated Logout 1.0 section 3)."""
    return uri if state is None else f"{uri}{'&' if '?' in uri else '?'}{urlencode({'state': state})}"
