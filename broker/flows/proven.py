"""Owns what a Provider has said, after every check. Refuses what failed one: that is a `Refusal`, and not here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from broker.domain.connection import UpstreamTokens
from broker.domain.identity import ProviderIdentity


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifiedSignIn:
    """A Provider's answer after every check.

    `profile` holds only wanted attributes of the Provider's page of facts, unselected: nothing of it may be stored,
    cached or logged before the policy has chosen. `verified_email` is None unless the e-mail trust rule holds. `sid`:
    what the Provider calls its own session.
    """

    identity: ProviderIdentity
    profile: Mapping[str, object] = field(repr=False)
    verified_email: str | None = field(repr=False)
    tokens: UpstreamTokens = field(repr=False)
    granted_scopes: frozenset[str]
    sid: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class UpstreamLogout:
    """A Provider's logout token after every check. At least one of `identity` and `sid` is there.

    `good_until`: from then on the token is refused by its age alone.
    """

    issuer: str
    identity: ProviderIdentity | None
    sid: str | None = field(repr=False)
    jti: str = field(repr=False)
    good_until: int
