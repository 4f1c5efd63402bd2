"""Validates Partner Ops session JWTs with the broker's published keys: `Verifier(issuer, audience).verify(token)`.

Refuses, with a code, everything that is not exactly such a token; says so where nobody can tell now.
"""

from __future__ import annotations

from partner_ops_verifier.async_verifier import AsyncVerifier
from partner_ops_verifier.errors import RightMissing, TokenRefused, VerifierError, VerifierUnavailable
from partner_ops_verifier.feed import Feed
from partner_ops_verifier.judge import Clocks
from partner_ops_verifier.session import Session
from partner_ops_verifier.verifier import Verifier

__all__ = [
    "AsyncVerifier",
    "Clocks",
    "Feed",
    "RightMissing",
    "Session",
    "TokenRefused",
    "Verifier",
    "VerifierError",
    "VerifierUnavailable",
]
