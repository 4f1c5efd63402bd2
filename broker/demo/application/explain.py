"""The claims of a session JWT in plain words, in the order in which a person wants to read them.

Explains names, never checks values: the downstream service does that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

MEANINGS: Mapping[str, str] = {
    "sub": "You, under the stable id that Partner Ops gave you. It tells nothing else about you.",
    "authorizations": "What each Client allows you to do. This is what a downstream service decides by.",
    "authorizations_ref": "You have more Authorizations than fit; a service fetches them from this address.",
    "org_id": "The one Client to which this sign-in was narrowed.",
    "iss": "Who issued it: the broker. A service finds the keys to check it from this address alone.",
    "aud": "For whom it is. Any other service has to refuse it.",
    "client_id": "The Application that asked for it: this one.",
    "scope": "What this Application may ask of the broker in your name.",
    "exp": "When it ends. Short, so that a lost one is soon worth nothing.",
    "iat": "When it was issued.",
    "nbf": "It is not valid before this moment.",
    "auth_time": "When you last signed in yourself.",
    "acr": "How strong your sign-in was.",
    "amr": "By which methods you signed in.",
    "sid": "The session that it belongs to. When you sign out or disconnect, this session is over.",
    "jti": "Its own serial number.",
    "email": "Your e-mail address, released because the attribute policy names a purpose.",
    "email_verified": "Whether the integrated service has verified that address.",
    "name": "Your name, released because the attribute policy names a purpose.",
    "cnf": "The key that whoever presents it has to own.",
}
_UNKNOWN = "A claim that this Application does not know, and does not use."
_MOMENTS = frozenset({"exp", "iat", "nbf", "auth_time"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """A time for people, and for machines (`iso`, and in full as `exact`)."""

    says: str
    iso: str
    exact: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Explained:
    """One claim: its name, its meaning, and its value as a moment, as rights per Client, or as text."""

    name: str
    meaning: str
    text: str = field(default="", repr=False)
    moment: Moment | None = None
    rights: Sequence[tuple[str, Sequence[str]]] | None = None


def explain(claims: Mapping[str, Any], now: int) -> list[Explained]:
    """Every claim explained: the known ones in the order of the table above, then the others by name."""
    known = [name for name in MEANINGS if name in claims]
    others = sorted(name for name in claims if name not in MEANINGS)
    return [_explain(name, claims[name], now) for name in (*known, *others)]


def moment(value: int, now: int) -> Moment:
    """A time in words relative to now, exact beside it."""
    at = datetime.fromtimestamp(value, UTC)
    return Moment(says=_relative(value - now), iso=at.isoformat(), exact=f"{at:%d %B %Y, %H:%M:%S} UTC")


def _explain(name: str, value: Any, now: int) -> Explained:
    meaning = MEANINGS.get(name, _UNKNOWN)
    if name in _MOMENTS and type(value) is int and 0 <= value < 1 << 36:
        return Explained(name=name, meaning=meaning, moment=moment(value, now))
    if name == "authorizations" and isinstance(value, dict):
        rights = [(str(client), _words(given)) for client, given in value.items()]
        return Explained(name=name, meaning=meaning, rights=rights)
    return Explained(name=name, meaning=meaning, text=", ".join(_words(value)))


def _words(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _relative(seconds: int) -> str:
    amount = abs(seconds)
    if amount < 2:
        return "now"
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if amount >= length:
            count = amount // length
            words = f"{count} {unit}{'s' if count > 1 else ''}"
            return f"in {words}" if seconds > 0 else f"{words} ago"
    return "now"
