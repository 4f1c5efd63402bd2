"""Owns the claims of what the broker signs: the session JWT (RFC 9068) and the ID token (OpenID Connect Core section 2).

Refuses to let an attribute take the name of a reserved claim, and to cut Authorizations: too many become a reference.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from broker.domain.grant import Grant
from broker.domain.ids import ClientOrgId
from broker.domain.policy import RESERVED_CLAIMS

LIFETIME = 300
"""Seconds. A withdrawn right is gone from every session JWT after at most this long."""
MAX_AUTHORIZATIONS = 2400
"""Bytes of JSON. With the other claims, the header, base64 and the signature a session JWT stays below 4 KiB."""
MAX_ATTRIBUTES = 400
"""Bytes of JSON that released attributes may take of a session JWT; what does not fit is at userinfo."""
ACR = "urn:partner-ops:acr:provider"
"""Authentication context class: signed in through an integrated service, with no second factor of our own."""


def session_claims(
    *,
    grant: Grant,
    issuer: str,
    audience: str,
    jti: str,
    authorizations: Mapping[ClientOrgId, Sequence[str]],
    attributes: Mapping[str, str],
    now: int,
) -> dict[str, Any]:
    """The claims of a session JWT; `authorizations` is already narrowed to the Grant's organization, if it has one."""
    small = _fitting(attributes)
    claims = _own(small) | {
        "iss": issuer,
        "sub": grant.user_id,
        "aud": audience,
        "exp": now + LIFETIME,
        "iat": now,
        "jti": jti,
        "client_id": grant.application_id,
        "scope": " ".join(grant.scopes),
        "auth_time": grant.auth_time,
        "acr": ACR,
        "amr": ["fed"],
        "sid": grant.session_id,
    }
    if grant.organization is not None:
        claims["org_id"] = grant.organization
    encoded = canonical(authorizations)
    if len(encoded) <= MAX_AUTHORIZATIONS:
        claims["authorizations"] = {client_org: list(rights) for client_org, rights in authorizations.items()}
    else:
        claims["authorizations_ref"] = {
            "url": f"{issuer}/api/v1/authorizations",
            "digest": f"sha-256:{hashlib.sha256(encoded).hexdigest()}",
            "count": len(authorizations),
        }
    return claims


def id_token_claims(
    *, grant: Grant, issuer: str, access_token: str, attributes: Mapping[str, str], now: int
) -> dict[str, Any]:
    """The claims of an ID token for the Application."""
    claims = _own(attributes) | {
        "iss": issuer,
        "sub": grant.user_id,
        "aud": grant.application_id,
        "exp": now + LIFETIME,
        "iat": now,
        "auth_time": grant.auth_time,
        "acr": ACR,
        "amr": ["fed"],
        "sid": grant.session_id,
        "at_hash": left_half_hash(access_token),
    }
    if grant.nonce is not None:
        claims["nonce"] = grant.nonce
    return claims


def canonical(authorizations: Mapping[ClientOrgId, Sequence[str]]) -> bytes:
    """The bytes that `authorizations_ref.digest` is taken of: sorted keys, no white space, UTF-8."""
    document = {client_org: list(rights) for client_org, rights in authorizations.items()}
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def left_half_hash(token: str) -> str:
    """`at_hash` for an algorithm with SHA-256 (OpenID Connect Core section 3.1.3.6)."""
    digest = hashlib.sha256(token.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


def _own(attributes: Mapping[str, str]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if name not in RESERVED_CLAIMS}


def _fitting(attributes: Mapping[str, str]) -> dict[str, str]:
    fitting: dict[str, str] = {}
    room = MAX_ATTRIBUTES
    for name, value in sorted(attributes.items()):
        room -= len(json.dumps({name: value}).encode())
        if room < 0:
            break
        fitting[name] = value
    return fitting
