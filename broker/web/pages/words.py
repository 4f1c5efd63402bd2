"""Owns how things are said: dates, lists, scopes, attributes and rights in words.

Refuses a clock and a locale of the machine: `now` is handed in, and the words are the same everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_STILL_AGO = 30 * _DAY
"""Further away than this a date says more than a number of days."""

_ATTRIBUTES = {
    "sub": "Account number",
    "email": "Email address",
    "email_verified": "Whether the email address is verified",
    "name": "Name",
    "given_name": "First name",
    "family_name": "Last name",
    "nickname": "Nickname",
    "preferred_username": "User name",
    "login": "User name",
    "picture": "Picture",
    "locale": "Language",
    "zoneinfo": "Time zone",
    "phone_number": "Telephone number",
    "hd": "Organisation's domain",
}

_GOOGLE = "https://www.googleapis.com/auth/"
_SCOPES = {
    "openid": "Know which account is yours",
    "email": "See your email address",
    "profile": "See your name and picture",
    "offline_access": "Keep this access while you are away",
    "phone": "See your telephone number",
    "address": "See your postal address",
    f"{_GOOGLE}userinfo.email": "See your email address",
    f"{_GOOGLE}userinfo.profile": "See your name and picture",
    f"{_GOOGLE}calendar.readonly": "See your calendars",
    f"{_GOOGLE}contacts.readonly": "See your contacts",
    f"{_GOOGLE}drive.readonly": "See your files in Drive",
    "User.Read": "See your name and email address",
    "read:user": "See your profile",
    "user:email": "See your email addresses",
}

_VERBS = {
    "read": "Read",
    "write": "Change",
    "create": "Create",
    "update": "Change",
    "delete": "Delete",
    "approve": "Approve",
    "export": "Export",
    "manage": "Manage",
    "admin": "Manage",
}


def exact(at: int) -> str:
    """The day and minute: "22 November 2026, 14:05 UTC"."""
    moment = datetime.fromtimestamp(at, UTC)
    return f"{day(at)}, {moment:%H:%M} UTC"


def day(at: int) -> str:
    """The day: "22 November 2026"."""
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def machine(at: int) -> str:
    """The moment for `<time datetime>`: "2026-11-22T14:05:00Z"."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def ago(at: int, now: int) -> str:
    """How far `at` is from `now`: "3 days ago", "in 2 hours"; beyond a month the day itself."""
    distance = abs(now - at)
    if distance < _MINUTE:
        return "just now"
    if distance >= _STILL_AGO:
        return day(at)
    unit, length = next((u, s) for u, s in (("day", _DAY), ("hour", _HOUR), ("minute", _MINUTE)) if distance >= s)
    number = distance // length
    amount = f"{number} {unit}" if number == 1 else f"{number} {unit}s"
    return f"{amount} ago" if at < now else f"in {amount}"


def listed(things: Sequence[str]) -> str:
    """A list as it is said: "name", "name and email address", "name, picture and email address"."""
    if len(things) < 2:
        return "".join(things)
    return f"{', '.join(things[:-1])} and {things[-1]}"


def attribute(name: str) -> str:
    """An attribute's name in words: `given_name` is "First name"."""
    return _ATTRIBUTES.get(name) or _sentence(name.replace("_", " "))


def attributes(names: Sequence[str]) -> str:
    """Attributes inside a sentence: "name and email address"."""
    return listed([_lower(attribute(name)) for name in names])


def asks_for(provider_name: str, names: Sequence[str]) -> str:
    """What will be kept, said before the click. No attributes: only that the account is the User's."""
    if not names:
        return f"Of your {provider_name} profile we keep nothing, only that the account is yours."
    return f"Of your {provider_name} profile we keep your {attributes(names)}. Nothing else."


def scope(name: str) -> str:
    """A granted scope in words; one that is not known is named as the Provider names it."""
    return _SCOPES.get(name) or f"Use what the provider calls “{name}”"


def scopes(names: Sequence[str]) -> tuple[str, ...]:
    """Granted scopes in words, each sentence once, in the order given."""
    return tuple(dict.fromkeys(scope(name) for name in names))


def right(name: str) -> str:
    """A Client's right in words: `invoices:read` is "Read invoices". One of another form stays as it was written."""
    noun, _, verb = name.partition(":")
    if noun and verb in _VERBS:
        return f"{_VERBS[verb]} {noun.replace('_', ' ').replace('-', ' ')}"
    return name


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


_REVOKED = {
    "revoked": "Its access has ended.",
    "already_dead": "Its access had ended before.",
    "unsupported": "It offers no way to be told, so remove Partner Ops there too.",
    "pending": "It could not be reached yet. We keep trying for a week.",
    "given_up": "It could not be told. Remove Partner Ops there too.",
}


def revoked(result: str) -> str:
    """What became of the access that a Provider gave us."""
    return _REVOKED[result]
