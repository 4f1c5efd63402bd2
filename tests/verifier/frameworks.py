"""What every adapter has to answer alike: requests, and the answers that are expected."""

from __future__ import annotations

from dataclasses import dataclass

from partner_ops_verifier.testing import SessionTokens

RIGHTS = {"acme": ["reports:read"], "globex": ["invoices:read"]}


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A request to `path`, and its answer: the status, and what WWW-Authenticate begins with."""

    path: str
    headers: dict[str, str]
    status: int
    challenge: str | None = None


def cases(tokens: SessionTokens) -> dict[str, Case]:
    """By what they are about."""
    good = {"Authorization": f"Bearer {tokens.mint('usr_ada', RIGHTS)}"}
    bad = {"Authorization": f"Bearer {tokens.mint('usr_ada', RIGHTS, aud='another')}"}
    invalid = 'Bearer error="invalid_token"'
    missing = 'Bearer error="insufficient_scope", scope="reports:read"'
    return {
        "who am I": Case(path="/me", headers=good, status=200),
        "reports of acme": Case(path="/reports/acme", headers=good, status=200),
        "reports of globex": Case(path="/reports/globex", headers=good, status=403, challenge=missing),
        "reports of nobody": Case(path="/reports/nobody", headers=good, status=403, challenge=missing),
        "no token": Case(path="/me", headers={}, status=401, challenge="Bearer"),
        "no token, reports": Case(path="/reports/acme", headers={}, status=401, challenge="Bearer"),
        "basic": Case(path="/me", headers={"Authorization": "Basic dTpw"}, status=401, challenge="Bearer"),
        "bad token": Case(path="/me", headers=bad, status=401, challenge=invalid),
        "bad token, reports": Case(path="/reports/acme", headers=bad, status=401, challenge=invalid),
    }


NAMES = tuple(cases(SessionTokens()))
