"""Owns the claims of what the broker signs: the session JWT (RFC 9068), the ID token (OpenID Connect Core section 2).

Refuses to let an attribute take the name of a reserved claim, and to cut Authorizations: too many become a reference.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from broker.domain.dpop import confirmation
from broker.domain.grant import Grant
from broker.domain.ids import ClientOrgId, KeyThumbprint
from broker.domain.policy import RESERVED_CLAIMS

LIFETIME = 300
"""Seconds. A withdrawn right is gone from every session JWT after at most this long."""
MAX_CLAIMS = 2400
"""Bytes of JSON. In base64, with its header and even a signature of RSA 4096 such a token stays below 4 KiB."""
MAX_ATTRIBUTES = 400
"""Bytes of JSON that released attributes may take of a session JWT; of an ID token, what the rest leaves.

One that does not fit is left out whole: userinfo tells all of them (OpenID Connect Core section 5.4).
"""
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
    epoch: int,
    now: int,
    key: KeyThumbprint | None = None,
    ends: int | None = None,
    act: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The claims of a session JWT; `authorizations` is already narrowed to the Grant's organization, if it has one.

    Of `attributes`, those that fit: a service that needs all of them asks userinfo. After an exchange (RFC 8693) the
    token ends at `ends` at the latest, as the one did that was exchanged, and `act` says who acts for the User. `key`:
    the one that it is bound to.
    """
    claims: dict[str, Any] = _fitting(attributes, MAX_ATTRIBUTES) | {
        "iss": issuer,
        "sub": grant.user_id,
        "aud": audience,
        "exp": now + LIFETIME if ends is None else min(now + LIFETIME, ends),
        "iat": now,
        "jti": jti,
        "client_id": grant.application_id,
        "scope": " ".join(grant.scopes),
        "auth_time": grant.auth_time,
        "acr": ACR,
        "amr": ["fed"],
        "sid": grant.session_id,
        "epoch": epoch,
        **confirmation(key),
    }
    if grant.organization is not None:
        claims["org_id"] = grant.organization
    if act is not None:
        claims["act"] = act
    whole = claims | {"authorizations": {client_org: list(rights) for client_org, rights in authorizations.items()}}
    if _size(whole) <= MAX_CLAIMS:
        return whole
    return claims | {
        "authorizations_ref": {
            "url": f"{issuer}/api/v1/authorizations",
            "digest": f"sha-256:{hashlib.sha256(canonical(authorizations)).hexdigest()}",
            "count": len(authorizations),
        }
    }


def id_token_claims(
    *, grant: Grant, issuer: str, access_token: str, attributes: Mapping[str, str], nonce: str | None, now: int
) -> dict[str, Any]:
    """The claims of an ID token for the Application, which the key that signed `access_token` is about to sign.

    `nonce`: of the sign-in that it answers; a refresh answers none (OpenID Connect Core section 12.2).
    """
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": grant.user_id,
        "aud": grant.application_id,
        "exp": now + LIFETIME,
        "iat": now,
        "auth_time": grant.auth_time,
        "acr": ACR,
        "amr": ["fed"],
        "sid": grant.session_id,
    }
    if nonce is not None:
        claims["nonce"] = nonce
    if (at_hash := left_half_hash(access_token)) is not None:
        claims["at_hash"] = at_hash
    return _fitting(attributes, MAX_CLAIMS - _size(claims)) | claims


def canonical(authorizations: Mapping[ClientOrgId, Sequence[str]]) -> bytes:
    """The bytes that `authorizations_ref.digest` is taken of: sorted keys, no white space, UTF-8."""
    document = {client_org: list(rights) for client_org, rights in authorizations.items()}
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def left_half_hash(token: str) -> str | None:
    """`at_hash` of a JWT, by the hash of the algorithm that its own header names.

    None for an algorithm that has none, as the claim may be left out (OpenID Connect Core section 3.1.3.6).
    """
    hash_of = _hash_named_in(token.partition(".")[0])
    if hash_of is None:
        return None
    digest = hash_of(token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


@lru_cache(maxsize=16)
def _hash_named_in(header: str) -> Callable[[bytes], Any] | None:
    """Remembered: all tokens that one key signs begin with the same header."""
    try:
        return _HASHES[json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["alg"]]
    except (ValueError, KeyError, TypeError):
        return None


_HASHES = {"ES256": hashlib.sha256, "RS256": hashlib.sha256, "EdDSA": hashlib.sha512}
"""Ed25519 has SHA-512 inside (RFC 8032 section 5.1)."""


def _fitting(attributes: Mapping[str, str], room: int) -> dict[str, str]:
    """Those that fit, whole, in the order of their names; none under the name of a reserved claim."""
    fitting: dict[str, str] = {}
    for name, value in sorted(attributes.items()):
        if name not in RESERVED_CLAIMS and (size := _size({name: value})) <= room:
            fitting[name] = value
            room -= size
    return fitting


def _size(value: object) -> int:
    """Bytes of `value` as JSON without white space, in ASCII: the signer, which writes UTF-8, never takes more."""
    return len(_in_ascii(value))


_in_ascii = json.JSONEncoder(separators=(",", ":")).encode
