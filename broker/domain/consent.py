"""Owns what a User allowed a third-party Application. Refuses to stretch it: more scopes are asked for again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeGuard

from broker.domain.ids import ApplicationId, UserId


@dataclass(frozen=True, kw_only=True, slots=True)
class Consent:
    """One User's standing permission for one Application."""

    user_id: UserId
    application_id: ApplicationId
    scopes: tuple[str, ...]
    given_at: int


def suffices(consent: Consent | None, scopes: tuple[str, ...]) -> TypeGuard[Consent]:
    """Whether everything now asked for was allowed before."""
    return consent is not None and set(scopes) <= set(consent.scopes)
