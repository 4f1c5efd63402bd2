"""The scopes that the demo Provider knows, in words, and the names under which it reports them as granted.

A scope not listed here is refused, and `openid` cannot be declined.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_GOOGLE = "https://www.googleapis.com/auth/"


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """One scope: `name` as asked for, `reported` as the token answer spells it, `says` for who decides."""

    name: str
    reported: str
    says: str
    required: bool = False


# Google accepts the short OpenID Connect names and answers with its own long ones for `email` and `profile`.
SCOPES: Sequence[Scope] = (
    Scope(
        name="openid",
        reported="openid",
        says="Know you by an id that never changes",
        required=True,
    ),
    Scope(name="email", reported=f"{_GOOGLE}userinfo.email", says="See your e-mail address"),
    Scope(name="profile", reported=f"{_GOOGLE}userinfo.profile", says="See your name and picture"),
    Scope(
        name=f"{_GOOGLE}calendar.readonly",
        reported=f"{_GOOGLE}calendar.readonly",
        says="See the events in your calendars",
    ),
    Scope(
        name=f"{_GOOGLE}contacts.readonly",
        reported=f"{_GOOGLE}contacts.readonly",
        says="See your contacts",
    ),
    Scope(
        name=f"{_GOOGLE}drive.metadata.readonly",
        reported=f"{_GOOGLE}drive.metadata.readonly",
        says="See the names and dates of your files",
    ),
)

_BY_NAME = {scope.name: scope for scope in SCOPES} | {scope.reported: scope for scope in SCOPES}


def parse_scopes(text: str) -> tuple[Scope, ...] | None:
    """The scopes of a space-separated list, once each and in its order; None when one is not known."""
    known = [_BY_NAME.get(name) for name in text.split()]
    return None if None in known else tuple(dict.fromkeys(scope for scope in known if scope))


def report(names: Iterable[str]) -> str:
    """The `scope` member of a token answer for these scope names, in the order of the list above."""
    granted = set(names)
    return " ".join(scope.reported for scope in SCOPES if scope.name in granted)
