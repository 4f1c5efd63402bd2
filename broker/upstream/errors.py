"""Owns the sentences in which this edge says no. Refuses detail from outside: no value a Provider sent is repeated.

`Refusal`: the answer is wrong, start again. `Fault`: the Provider, its network or our registration there is at fault.
"""

from __future__ import annotations

from broker.domain.errors import Fault, Refusal

RETRY_AFTER = 5
LONGEST_RETRY_AFTER = 3600

_SENTENCES = {
    "invalid_id_token": "The service you signed in with sent an answer that could not be verified.",
    "invalid_logout_token": "The logout token could not be verified.",
    "invalid_nonce": "The service you signed in with answered another sign-in than this one.",
    "invalid_audience": "The service you signed in with sent an answer that was meant for somebody else.",
    "subject_mismatch": "The service you signed in with spoke of two different accounts.",
    "missing_iss": "The answer does not say which service it comes from.",
    "issuer_mismatch": "The answer came from another service than the one asked.",
    "provider_mismatch": "The answer came from another service than the one asked.",
    "upstream_denied": "You did not allow this sign-in, so nothing was changed.",
    "upstream_error": "The service you sign in with did not complete the sign-in.",
    "provider_disabled": "This way to sign in is not available.",
}


def refused(code: str, detail: str = "") -> Refusal:
    """A refusal with this code's own sentence."""
    return Refusal(code, _SENTENCES[code], detail=detail)


def unavailable(detail: str, retry_after: int = RETRY_AFTER) -> Fault:
    """The Provider does not answer, or answers what is no answer."""
    return Fault(
        "provider_unavailable",
        "The service you sign in with does not answer. Please try again in a moment.",
        detail=detail,
        retry_after=max(1, min(retry_after, LONGEST_RETRY_AFTER)),
    )


def misconfigured(detail: str) -> Fault:
    """Somebody has to change the settings, here or at the Provider."""
    return Fault(
        "provider_misconfigured",
        "This way to sign in is not set up correctly. Please tell the people who run this service.",
        detail=detail,
        retry_after=60,
    )


def clock_skew(detail: str) -> Fault:
    """The Provider's clock and ours differ by more than the leeway."""
    return Fault(
        "upstream_clock_skew",
        "The clock of the service you sign in with differs from ours. Please try again in a moment.",
        detail=detail,
        retry_after=60,
    )
