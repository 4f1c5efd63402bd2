"""Owns the verification of a Provider's logout token (OpenID Connect Back-Channel Logout 1.0 section 2.6).

Refuses all that an ID token is refused for, and an ID token. That `jti` is used once, the database decides.
"""

from __future__ import annotations

from collections.abc import Mapping

from broker.domain.errors import Refusal
from broker.domain.identity import ProviderIdentity
from broker.domain.logout import EVENT, TYPE
from broker.flows.proven import UpstreamLogout
from broker.upstream.counterpart import Counterpart
from broker.upstream.errors import refused
from broker.upstream.id_token import (
    LEEWAY,
    LONGEST_SUBJECT,
    OLDEST_ISSUE,
    check_audience,
    check_subject,
    is_time,
    signed_claims,
)
from broker.upstream.line import deadline
from providers.spec import Claims

VERIFY_SECONDS = 5
_TYPES = frozenset({"JWT", TYPE.upper()})
"""Section 2.4 recommends its own; what does not name one has no `nonce` and one `events`, and so is no ID token."""


async def verify_logout(counterpart: Counterpart, token: str) -> UpstreamLogout:
    """Verify everything. Raises `Refusal` "invalid_logout_token", or `Fault` when the keys cannot be had."""
    try:
        async with deadline(VERIFY_SECONDS, "logout"):
            return await _verify(counterpart, token)
    except Refusal as refusal:
        raise refused("invalid_logout_token", refusal.detail) from None


async def _verify(counterpart: Counterpart, token: str) -> UpstreamLogout:
    registration = counterpart.registration
    metadata = await counterpart.metadata.get()
    if metadata.jwks_uri is None:
        raise refused("invalid_logout_token", "this Provider signs nothing")
    signed = await signed_claims(token, registration, metadata, counterpart.keys, types=_TYPES)
    claims, issuer = signed.claims, signed.issuer
    check_audience(claims, registration.provider_application_id)
    issued_at = _check_times(claims, counterpart.clock.now())
    _check_event(claims)
    subject = None
    if "sub" in claims:
        check_subject(claims["sub"])
        subject = registration.provider.subject(claims)
    sid = _short(claims, "sid") if "sid" in claims else None
    if subject is None and sid is None:
        raise refused("invalid_logout_token", "neither sub nor sid")
    return UpstreamLogout(
        issuer=issuer,
        identity=(
            None if subject is None else ProviderIdentity(registration=registration.id, issuer=issuer, subject=subject)
        ),
        sid=sid,
        jti=_short(claims, "jti"),
        good_until=issued_at + OLDEST_ISSUE + LEEWAY + 1,
    )


def _check_times(claims: Claims, now: int) -> int:
    """`iat`. `exp` came with the last version of the standard, so it holds where there is one."""
    issued_at, expires_at = claims.get("iat"), claims.get("exp", now + 1)
    if not is_time(issued_at) or not is_time(expires_at):
        raise refused("invalid_logout_token", "iat or exp is no whole number of seconds")
    if not now - OLDEST_ISSUE - LEEWAY <= issued_at <= now + LEEWAY:
        raise refused("invalid_logout_token", "iat is too old, or ahead")
    if expires_at <= now - LEEWAY:
        raise refused("invalid_logout_token", "exp is past")
    return issued_at


def _check_event(claims: Claims) -> None:
    events = claims.get("events")
    if not isinstance(events, Mapping) or not isinstance(events.get(EVENT), Mapping):
        raise refused("invalid_logout_token", "events")
    if "nonce" in claims:  # section 2.4: so that no logout token can be taken for an ID token
        raise refused("invalid_logout_token", "nonce")


def _short(claims: Claims, name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_SUBJECT:
        raise refused("invalid_logout_token", name)
    return value
