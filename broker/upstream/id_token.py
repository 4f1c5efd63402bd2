"""Owns the verification of ID tokens (OpenID Connect Core section 3.1.3.7, RFC 8725).

Refuses every form but the compact one, every algorithm but the Provider's asymmetric ones, keys that a token brings
along, and whatever cannot be computed. Nothing in a token can switch a check off.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import orjson

from broker.upstream.errors import clock_skew, refused
from broker.upstream.keys import KeyCache
from broker.upstream.metadata import Metadata
from broker.upstream.registration import Registration
from providers.spec import Claims

LONGEST_TOKEN = 16 * 1024
LEEWAY = 30
OLDEST_ISSUE = 600
"""Seconds. The token was made when the code was redeemed, a moment ago; older than an attempt it cannot be."""
LONGEST_SUBJECT = 255  # OpenID Connect Core section 2

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")  # RFC 7515 section 7.1
_HASHES: Mapping[str, Callable[[bytes], Any]] = {
    **dict.fromkeys(("RS256", "PS256", "ES256"), hashlib.sha256),
    **dict.fromkeys(("RS384", "PS384", "ES384"), hashlib.sha384),
    **dict.fromkeys(("RS512", "PS512", "ES512", "EdDSA"), hashlib.sha512),  # Ed25519 has SHA-512 inside
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Bound:
    """What the token must be bound to: this attempt's nonce, and the code and access token it came with."""

    nonce: str = field(repr=False)
    code: str = field(repr=False)
    access_token: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifiedIdToken:
    """Claims after every check. `issuer` is spelled the same for one person every time."""

    issuer: str
    claims: Claims = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Signed:
    """What the Provider has signed with `algorithm`, as `issuer`; nothing else is checked yet."""

    algorithm: str
    issuer: str
    claims: Claims = field(repr=False)


async def verify_id_token(
    token: str, bound: Bound, registration: Registration, metadata: Metadata, keys: KeyCache, now: int
) -> VerifiedIdToken:
    """Verify everything. Raises `Refusal` or `Fault`, whose detail names the check and no value."""
    signed = await signed_claims(token, registration, metadata, keys, types=frozenset({"JWT"}))
    claims = signed.claims
    check_subject(claims.get("sub"))
    check_audience(claims, registration.provider_application_id)
    _check_times(claims, now)
    _check_nonce(claims.get("nonce"), bound.nonce)
    _check_hash("at_hash", claims, bound.access_token, signed.algorithm)
    _check_hash("c_hash", claims, bound.code, signed.algorithm)
    return VerifiedIdToken(issuer=signed.issuer, claims=claims)


async def signed_claims(
    token: str, registration: Registration, metadata: Metadata, keys: KeyCache, *, types: frozenset[str]
) -> Signed:
    """The claims of a token that the Provider has signed. `types`: what `typ` may be, in capitals; absent is "JWT"."""
    header, payload, signed, signature = _parse(token)
    algorithm = _check_header(header, registration.provider.id_token_algorithms, types)
    key = await keys.find(metadata.jwks_uri or "", header.get("kid"), algorithm)
    if not key.verifies(algorithm, signed, signature):
        raise refused("invalid_id_token", "signature")

    claims = _json_object(payload, "claims")
    issuer = registration.provider.issuer_rule.issuer_of(registration.configured_issuer, metadata.issuer, claims)
    if issuer is None:
        raise refused("invalid_id_token", "iss")
    return Signed(algorithm=algorithm, issuer=issuer, claims=claims)


def _parse(token: str) -> tuple[dict[str, Any], bytes, bytes, bytes]:
    if len(token) > LONGEST_TOKEN:
        raise refused("invalid_id_token", f"longer than {LONGEST_TOKEN} characters")
    parts = _COMPACT.fullmatch(token)
    if parts is None:
        raise refused("invalid_id_token", "not in compact form")
    header, payload, signature = (_decode(part) for part in parts.groups())
    return _json_object(header, "header"), payload, token[: parts.end(2)].encode("ascii"), signature


def _decode(part: str) -> bytes:
    """Base64url without padding, in its one canonical form (RFC 7515 section 2)."""
    try:
        decoded = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error:
        raise refused("invalid_id_token", "not base64url") from None
    if base64.urlsafe_b64encode(decoded).rstrip(b"=") != part.encode("ascii"):
        raise refused("invalid_id_token", "not canonical base64url")
    return decoded


def _json_object(document: bytes, what: str) -> dict[str, Any]:
    try:
        parsed = orjson.loads(document)
    except orjson.JSONDecodeError:
        raise refused("invalid_id_token", f"{what}: malformed JSON") from None
    if not isinstance(parsed, dict):
        raise refused("invalid_id_token", f"{what}: no JSON object")
    return parsed


def _check_header(header: Claims, allowed: frozenset[str], types: frozenset[str]) -> str:
    """The algorithm, before any key is looked at. Keys and addresses of keys in the header are not even read."""
    algorithm, kid, typ = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
    if not isinstance(algorithm, str) or algorithm not in allowed:
        raise refused("invalid_id_token", "alg")
    if "crit" in header:  # RFC 7515 section 4.1.11: we know no extension
        raise refused("invalid_id_token", "crit")
    if not isinstance(typ, str) or typ.upper() not in types:  # RFC 8725 section 3.11
        raise refused("invalid_id_token", "typ")
    if not isinstance(kid, str | None):
        raise refused("invalid_id_token", "kid")
    return algorithm


def check_subject(subject: object) -> None:
    """OpenID Connect Core section 2."""
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT or not subject.isascii():
        raise refused("invalid_id_token", "sub")


def check_audience(claims: Claims, us: str) -> None:
    """Nobody else is trusted with a token for us, so we are the only audience (rules 3 to 5)."""
    audience = claims.get("aud")
    if audience not in (us, [us]):
        raise refused("invalid_audience", "aud")
    if claims.get("azp", us) != us:
        raise refused("invalid_audience", "azp")


def _check_times(claims: Claims, now: int) -> None:
    """Whole seconds only (RFC 7519 section 2 would allow fractions; no Provider sends them)."""
    issued_at, expires_at, not_before = claims.get("iat"), claims.get("exp"), claims.get("nbf", 0)
    if not is_time(issued_at) or not is_time(expires_at) or not is_time(not_before):
        raise refused("invalid_id_token", "iat, exp or nbf is no whole number of seconds")
    if issued_at > now + LEEWAY:
        raise clock_skew(f"iat is more than {LEEWAY} s ahead")
    if issued_at < now - OLDEST_ISSUE - LEEWAY:
        raise refused("invalid_id_token", "iat is too old")
    if expires_at <= now - LEEWAY:
        raise refused("invalid_id_token", "exp is past")
    if not_before > now + LEEWAY:
        raise refused("invalid_id_token", "nbf is ahead")


def is_time(value: object) -> TypeGuard[int]:
    """Whole seconds since the epoch."""
    return type(value) is int and value >= 0


def _check_nonce(nonce: object, expected: str) -> None:
    if not expected or not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), expected.encode()):
        raise refused("invalid_nonce", "nonce is missing" if nonce is None else "nonce differs")


def _check_hash(name: str, claims: Claims, value: str, algorithm: str) -> None:
    """OpenID Connect Core section 3.1.3.6: when present it must hold; what cannot be computed does not hold."""
    if name not in claims:
        return
    stated, digest = claims[name], _HASHES.get(algorithm)
    if not isinstance(stated, str) or digest is None:
        raise refused("invalid_id_token", name)
    half = digest(value.encode()).digest()
    expected = base64.urlsafe_b64encode(half[: len(half) // 2]).rstrip(b"=")
    if not hmac.compare_digest(stated.encode(), expected):
        raise refused("invalid_id_token", name)
