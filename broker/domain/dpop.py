"""Owns what a proof of possession has to say (RFC 9449 sections 4.2 and 4.3), and which key it proves.

Refuses one that was made for another request, another token or another time, or that has no name to be used up by.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from broker.domain.ids import KeyThumbprint

TYPE = "dpop+jwt"
"""`typ` of a proof."""
TOKEN_TYPE = "DPoP"
"""`token_type` of a token that is bound to a key (RFC 9449 section 5), and the scheme it is sent with (section 7.1)."""
BEHIND = 60
"""Seconds after `iat` in which a proof is taken."""
AHEAD = 10
"""Seconds that an Application's clock may be ahead of ours."""
KEPT_LONGER = 60
"""Seconds: another process, whose clock is behind, would take it still."""
_MAX_NAME = 255
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")  # base64url of 32 bytes, RFC 9449 section 10
_URL = re.compile(r"(https?)://([^/?#]+)([^?#]*)(?:[?#].*)?", re.IGNORECASE | re.DOTALL)
_DEFAULT_PORTS = {"https": ":443", "http": ":80"}
_ESCAPED = re.compile("%([0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Proven:
    """Whoever asks holds the key `thumbprint`. `name` is `jti`; after `forget_at` no process would take the proof."""

    thumbprint: KeyThumbprint
    name: str
    forget_at: int


def is_thumbprint(text: str) -> bool:
    """Whether `text` has the form of a key's SHA-256 thumbprint (RFC 7638)."""
    return _THUMBPRINT.fullmatch(text) is not None


def accept(
    claims: Mapping[str, Any],
    *,
    thumbprint: KeyThumbprint,
    method: str,
    url: str,
    access_token: str | None,
    now: int,
) -> Proven | str:
    """What a proof shows whose signature holds by the key `thumbprint`; or what is wrong with it, for the log.

    `access_token`: the one that it comes with, if it does. A `nonce` is not looked at, as we never ask for one.
    """
    name, made = claims.get("jti"), claims.get("iat")
    if type(name) is not str or not 1 <= len(name) <= _MAX_NAME:
        return "jti is missing or too long"
    if claims.get("htm") != method:
        return "htm is not the method of this request"
    if (said := claims.get("htu")) is None or _normal(said) is None or _normal(said) != _normal(url):
        return "htu is not the address of this request"
    if type(made) is not int or not now - BEHIND <= made <= now + AHEAD:
        return "iat is missing, too old, or ahead of our clock"
    if access_token is not None and claims.get("ath") != hash_of(access_token):
        return "ath is not the hash of the access token"
    return Proven(thumbprint=thumbprint, name=name, forget_at=made + BEHIND + KEPT_LONGER)


def bound_to(claims: Mapping[str, Any]) -> KeyThumbprint | None:
    """The key that a token of ours is bound to (RFC 9449 section 6.1); None for a bearer token."""
    key: KeyThumbprint | None = claims.get("cnf", {}).get("jkt")
    return key


def confirmation(key: KeyThumbprint | None) -> dict[str, Any]:
    """The claim that binds a token to `key` (RFC 7800 section 3.1), or no claim."""
    return {} if key is None else {"cnf": {"jkt": key}}


def hash_of(access_token: str) -> str:
    """`ath`: the SHA-256 of the token's ASCII, base64url (RFC 9449 section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(access_token.encode()).digest()).rstrip(b"=").decode()


def _normal(url: object) -> str | None:
    """Without query and fragment, and spelt in one way (RFC 9449 section 4.3, RFC 3986 sections 6.2.2 and 6.2.3).

    None for what is no web address. Dot segments stay, and so lead nowhere: no address of ours has any.
    """
    match = _URL.fullmatch(url) if isinstance(url, str) else None
    if match is None:
        return None
    scheme, authority, path = match[1].lower(), match[2].lower(), match[3]
    return f"{scheme}://{authority.removesuffix(_DEFAULT_PORTS[scheme])}{_ESCAPED.sub(_unescaped, path) or '/'}"


def _unescaped(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if _UNRESERVED.fullmatch(character) else match[0].upper()
