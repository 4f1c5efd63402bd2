"""What a service in Python does with a session JWT. Needs partner-ops-verifier."""

from __future__ import annotations

from partner_ops_verifier import TokenRefused, Verifier, VerifierUnavailable


def may_read(verifier: Verifier, token: str, client_org: str) -> str:
    """An answer for whoever sent the token."""
    try:
        session = verifier.verify(token)
    except TokenRefused as refused:  # 401: the token is not good, and will not be
        return f"Sign in again. {refused.sentence}"
    except VerifierUnavailable:  # 503: nobody can tell now
        return "Try again in a few seconds."
    if session.may(client_org, "reports:read"):
        return f"User {session.user} may read reports of {client_org}."
    return f"{client_org} has not given you this right."  # 403


def create_verifier() -> Verifier:
    """One for the process: it keeps the issuer's keys, and remembers which tokens were good."""
    return Verifier("https://id.partner-ops.example", "https://api.partner-ops.example")
