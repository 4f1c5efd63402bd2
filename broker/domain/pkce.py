"""Owns Proof Key for Code Exchange (RFC 7636), method S256. Refuses `plain` and everything malformed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

_UNRESERVED_43_TO_128 = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636 section 4.1
_S256_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # base64url of 32 bytes, RFC 7636 section 4.2


def is_challenge(value: str) -> bool:
    """Whether `value` has the form of an S256 code challenge."""
    return _S256_CHALLENGE.fullmatch(value) is not None


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a code verifier: base64url(SHA-256(ASCII(verifier))) without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode()


def proves(verifier: str, challenge: str) -> bool:
    """Whether `verifier` is well-formed and answers `challenge`, compared in constant time."""
    if _UNRESERVED_43_TO_128.fullmatch(verifier) is None:
        return False
    return hmac.compare_digest(challenge_of(verifier), challenge)
