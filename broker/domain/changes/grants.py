"""Owns the changes to what Applications get: Grants and consents."""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.consent import Consent
from broker.domain.grant import Grant
from broker.domain.ids import (
    GrantId,
    KeyedHash,
    KeyThumbprint,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TakeAssertion:
    """Use up what an Application proved itself, or its key, by. `Conflict` when it was taken before."""

    assertion: KeyedHash
    expires_at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AddGrant:
    grant: Grant


@dataclass(frozen=True, kw_only=True, slots=True)
class RedeemGrant:
    """Use up a code. `Conflict` unless it is neither redeemed nor revoked. `dpop_jkt` binds its refresh tokens."""

    grant_id: GrantId
    at: int
    dpop_jkt: KeyThumbprint | None


@dataclass(frozen=True, kw_only=True, slots=True)
class RefreshGrant:
    """Note that a refresh token was used. `Conflict` unless it was the newest still, and the Grant is not revoked."""

    grant_id: GrantId
    expected_generation: int
    generation: int
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RevokeGrant:
    """End a Grant: its code and its tokens are dead."""

    grant_id: GrantId
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PutConsent:
    consent: Consent
