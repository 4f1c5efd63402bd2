"""Owns the scopes that an Application can ask for (OpenID Connect Core section 5.4).

Refuses none: unknown scopes are dropped, as RFC 6749 section 3.3 allows.
"""

from __future__ import annotations

from collections.abc import Iterable

OFFLINE_ACCESS = "offline_access"
"""Asks for a refresh token (OpenID Connect Core section 11)."""
SUPPORTED = ("openid", "email", "profile", "phone", OFFLINE_ACCESS)

ATTRIBUTE_SCOPES = {
    "email": "email",
    "name": "profile",
    "given_name": "profile",
    "family_name": "profile",
    "nickname": "profile",
    "preferred_username": "profile",
    "picture": "profile",
    "locale": "profile",
    "zoneinfo": "profile",
    "phone_number": "phone",
}
"""Which scope asks for an attribute. An attribute that is not named here is never released."""


def parse(text: str) -> tuple[str, ...]:
    """The supported scopes of a space-separated list, each once, in our order."""
    asked = set(text.split(" "))
    return tuple(scope for scope in SUPPORTED if scope in asked)


def covers(scopes: Iterable[str], attribute: str) -> bool:
    """Whether these scopes ask for `attribute`."""
    wanted = ATTRIBUTE_SCOPES.get(attribute)
    return wanted is not None and wanted in scopes
