"""Owns what a service answers by RFC 6750: 401 token refused, 403 right missing, 503 nobody can tell now.

Refuses to repeat any part of a token, and takes it from the Authorization header alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from partner_ops_verifier.errors import RightMissing, TokenRefused, VerifierError, VerifierUnavailable
from partner_ops_verifier.jwk import PROOF_ALGORITHMS

RETRY_AFTER_SECONDS: Final = 5
_ABOUT_KEYS: Final = frozenset({"proof_missing", "proof_refused", "wrong_key"})
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
"""RFC 6750 section 3: what `scope` may hold."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """A status, headers, and a JSON object with `error` and `error_description`."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def sent_token(values: Sequence[str], proofs: Sequence[str]) -> tuple[str, str | None]:
    """The token of the Authorization headers that were sent, and its proof of the headers DPoP. Raises `TokenRefused`.

    By the scheme Bearer (RFC 6750 section 2.1) without a proof, by the scheme DPoP (RFC 9449 section 7.1) with one. Two
    headers are none: whoever is in front may have looked at the other.
    """
    if len(values) > 1:
        raise TokenRefused("malformed", "two Authorization headers")
    scheme, _, token = (values[0] if values else "").strip().partition(" ")
    if scheme.lower() not in ("bearer", "dpop") or not token.strip():
        raise TokenRefused("no_token")
    if scheme.lower() == "bearer":
        return token.strip(), None
    if len(proofs) != 1:
        raise TokenRefused("proof_refused" if proofs else "proof_missing", "not one DPoP header")
    return token.strip(), proofs[0]


def url_path(decoded: str) -> str:
    """A path as it is spelt in a request, where a framework has decoded it."""
    return quote(decoded, safe="/:@!$&'()*+,;=~")


def refusal(error: VerifierError) -> Refusal:
    """What to answer (RFC 6750 section 3, RFC 9449 section 7.1)."""
    headers = {"Cache-Control": "no-store", "Content-Type": "application/json"}
    if isinstance(error, VerifierUnavailable):
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return _refusal(503, "temporarily_unavailable", error, headers)
    if isinstance(error, RightMissing):
        scope = f', scope="{error.right}"' if _SCOPE.fullmatch(error.right) else ""
        headers["WWW-Authenticate"] = f'Bearer error="insufficient_scope"{scope}'
        return _refusal(403, "insufficient_scope", error, headers)
    if error.code == "no_token":  # section 3.1: no error code for whoever did not know that a token is wanted
        headers["WWW-Authenticate"] = "Bearer"
        return _refusal(401, "missing_token", error, headers)
    code = "invalid_dpop_proof" if error.code == "proof_refused" else "invalid_token"
    scheme = f'DPoP algs="{" ".join(PROOF_ALGORITHMS)}",' if error.code in _ABOUT_KEYS else "Bearer"
    headers["WWW-Authenticate"] = f'{scheme} error="{code}", error_description="{error.sentence}"'
    return _refusal(401, code, error, headers)


def _refusal(status: int, error: str, told: VerifierError, headers: Mapping[str, str]) -> Refusal:
    body = json.dumps({"error": error, "error_description": told.sentence}).encode()
    return Refusal(status=status, headers=headers, body=body)
