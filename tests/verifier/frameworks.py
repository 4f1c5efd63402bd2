"""What every adapter has to answer alike: requests, and the answers that are expected."""

from __future__ import annotations

from dataclasses import dataclass

from partner_ops_verifier.testing import SessionTokens, TestKey

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
    key, other = TestKey(), TestKey()
    bound = tokens.mint("usr_ada", RIGHTS, bound_to=key)
    shown = {"Authorization": f"DPoP {bound}"}
    proof, foreign = (tokens.proof(one, bound, "/reports/acme") for one in (key, other))
    good = {"Authorization": f"Bearer {tokens.mint('usr_ada', RIGHTS)}"}
    bad = {"Authorization": f"Bearer {tokens.mint('usr_ada', RIGHTS, aud='another')}"}
    invalid = 'Bearer error="invalid_token"'
    algs = 'DPoP algs="ES256 EdDSA Ed25519 PS256 RS256", error='
    missing = 'Bearer error="insufficient_scope", scope="reports:read"'
    return {
        "who am I": Case(path="/me", headers=good, status=200),
        "reports of acme": Case(path="/reports/acme", headers=good, status=200),
        "reports of globex": Case(path="/reports/globex", headers=good, status=403, challenge=missing),
        "reports of nobody": Case(path="/reports/nobody", headers=good, status=403, challenge=missing),
        "no token": Case(path="/me", headers={}, status=401, challenge="Bearer"),
        "no token, reports": Case(path="/reports/acme", headers={}, status=401, challenge="Bearer"),
        "basic": Case(path="/me", headers={"Authorization": "Basic dTpw"}, status=401, challenge="Bearer"),
        "bound": Case(path="/reports/acme", headers=shown | {"DPoP": proof}, status=200),
        "bound, as bearer": Case(
            path="/reports/acme",
            headers={"Authorization": f"Bearer {bound}", "DPoP": proof},
            status=401,
            challenge=f'{algs}"invalid_token"',
        ),
        "bound, no proof": Case(path="/reports/acme", headers=shown, status=401, challenge=f'{algs}"invalid_token"'),
        "bound, elsewhere": Case(
            path="/me", headers=shown | {"DPoP": proof}, status=401, challenge=f'{algs}"invalid_dpop_proof"'
        ),
        "bound to another": Case(
            path="/reports/acme", headers=shown | {"DPoP": foreign}, status=401, challenge=f'{algs}"invalid_token"'
        ),
        "bad token": Case(path="/me", headers=bad, status=401, challenge=invalid),
        "bad token, reports": Case(path="/reports/acme", headers=bad, status=401, challenge=invalid),
    }


NAMES = tuple(cases(SessionTokens()))
