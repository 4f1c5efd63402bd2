"""Owns the changes to what Applications get: Grants and consents."""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.consent import Consent
from broker.domain.grant import Grant
from broker.domain.ids import (
    ApplicationId,
    GrantId,
    KeyedHash,
    KeyThumbprint,
    PushedRequestId,
    UserId,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TakeAssertion:
    """Use up what an Application proved itself, or its key, by; or a Provider's logout token.

    `Conflict` when it was taken before.
    """

    assertion: KeyedHash
    expires_at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TakePushedRequest:
    """Use up an authorize request that was pushed. `Conflict` when it was taken before."""

    request_id: PushedRequestId
    expires_at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AddGrant:
    grant: Grant


@dataclass(frozen=True, kw_only=True, slots=True)
class RedeemGrant:
    """Use up a code. `Conflict` unless it is neither redeemed nor revoked. `dpop_jkt` binds its refresh tokens.

    `released`: the attributes that its tokens tell.
    """

    grant_id: GrantId
    at: int
    dpop_jkt: KeyThumbprint | None
    released: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RememberReleased:
    """Note which attributes were last told under a Grant. `Conflict` unless those are still the `expected` ones."""

    grant_id: GrantId
    expected: tuple[str, ...]
    released: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RefreshGrant:
    """Note that a refresh token was used. `Conflict` unless it was the newest still, and the Grant is not revoked."""

    grant_id: GrantId
    expected_generation: int
    generation: int
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RevokeGrant:
    """End a Grant: its code and its tokens are dead. `reason` is a code; that of an ended one stays as it was."""

    grant_id: GrantId
    reason: str
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RevokeGrantsOf:
    """End whatever an Application has of a User, also what began in Sessions that are over."""

    application_id: ApplicationId
    user_id: UserId
    reason: str
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DismissWarning:
    """Note that a User has read what one of their Grants was revoked for; a second time changes nothing."""

    grant_id: GrantId
    user_id: UserId
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PutConsent:
    consent: Consent


@dataclass(frozen=True, kw_only=True, slots=True)
class RelyOnConsent:
    """`Conflict` unless this very consent stands still: what is written with it would not be allowed without."""

    consent: Consent


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveConsent:
    """Before `RevokeGrantsOf`, in one write: what relied on the consent until now is then there to be ended."""

    user_id: UserId
    application_id: ApplicationId
