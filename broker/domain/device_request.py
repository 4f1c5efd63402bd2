"""Owns the device request (RFC 8628): a device without a browser asks, and a User answers in a browser elsewhere.

Refuses codes that are late, and devices that ask sooner than they were told to. It gives no tokens: the Grant does,
which a User's answer makes.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from enum import StrEnum

from broker.domain import scope as scopes_of
from broker.domain.application import Application
from broker.domain.authorize_request import is_name, offered
from broker.domain.errors import OAuthRefusal
from broker.domain.ids import ApplicationId, ClientOrgId, DeviceRequestId, KeyedHash

LIFETIME = 600
"""Seconds to go to a browser, sign in and allow it. RFC 8628 section 5.1: short, as the code to type is short."""
INTERVAL = 5
"""Seconds that a device waits between two questions (RFC 8628 section 3.2); each too early one adds as many."""
_JITTER = 1
"""Seconds that a question may come early: one takes longer on its way than the next, and time is in whole seconds."""
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""RFC 8628 section 6.1: without vowels no word comes of it, without digits nothing looks like a letter."""
_LENGTH = 8
"""25.6 billion codes, of which a User may guess ten while one lives (RFC 8628 section 5.1)."""


class Decision(StrEnum):
    """What a User answered."""

    PENDING = "pending"
    ALLOWED = "allowed"
    DENIED = "denied"


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceRequest:
    """Both codes are keyed hashes: the device holds the one, a person types the other. `interval` in seconds."""

    id: DeviceRequestId
    device_code: KeyedHash = field(repr=False)
    user_code: KeyedHash = field(repr=False)
    application_id: ApplicationId
    scopes: tuple[str, ...]
    organization: ClientOrgId | None
    created_at: int
    expires_at: int
    decision: Decision = Decision.PENDING
    last_polled_at: int | None = None
    interval: int = INTERVAL

    def waits(self, now: int) -> bool:
        """Whether it can still be answered."""
        return self.decision is Decision.PENDING and now < self.expires_at


def new_user_code(random: str) -> str:
    """A code to type, such as "WDJB-MJHT", of 256 random bits in base64url."""
    number = int.from_bytes(base64.urlsafe_b64decode(f"{random}="), "big")
    letters = ""
    for _ in range(_LENGTH):
        number, which = divmod(number, len(_LETTERS))
        letters += _LETTERS[which]
    return f"{letters[:4]}-{letters[4:]}"


def typed_user_code(text: str) -> str | None:
    """The code that somebody has typed; None for what cannot be one.

    Only its letters count, in either case, whatever is between them (RFC 8628 section 6.1).
    """
    letters = "".join(letter for letter in text.upper() if letter in _LETTERS)
    return f"{letters[:4]}-{letters[4:]}" if len(letters) == _LENGTH else None


def asked(
    scope: str | None, organization: str | None, application: Application
) -> tuple[tuple[str, ...], ClientOrgId | None]:
    """What a device asks for, by the rules of an authorize request. Raises `OAuthRefusal`."""
    if "openid" not in (scope or "").split():
        raise OAuthRefusal("invalid_scope", "scope must hold openid.")
    if organization is not None and not is_name(organization):
        raise OAuthRefusal("invalid_request", "organization is malformed.")
    scopes = offered(scopes_of.parse(scope or ""), application)
    return scopes, None if organization is None else ClientOrgId(organization)


def polled(request: DeviceRequest, now: int) -> DeviceRequest:
    """The request after its device has asked at `now`: whoever asks too early waits longer (RFC 8628 section 3.5)."""
    last = request.last_polled_at
    too_early = last is not None and now < last + request.interval - _JITTER
    return replace(request, last_polled_at=now, interval=request.interval + (INTERVAL if too_early else 0))


def not_yet(before: DeviceRequest, after: DeviceRequest) -> OAuthRefusal:
    """What a device is told whose User has not answered: to ask again, or to ask less often."""
    if after.interval > before.interval:
        return OAuthRefusal("slow_down", f"Ask every {after.interval} seconds.")
    return OAuthRefusal("authorization_pending", "The person has not answered yet.")
