"""Owns the outside of a token: the compact serialisation (RFC 7515 section 7.1) and what its header may say.

Refuses, before any signature is looked at, whatever is not a session JWT in form; takes no key from the token.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final, NamedTuple

from partner_ops_verifier.errors import TokenRefused
from partner_ops_verifier.jwk import ALGORITHMS, LONGEST_KID
from partner_ops_verifier.spelling import decode, json_object, standard

LONGEST_TOKEN: Final = 8 * 1024
"""Characters. The broker's own are never longer than 4 KiB."""
TYPES: Final = frozenset({"at+jwt", "application/at+jwt"})
"""RFC 9068 section 4; media types do not mind case (RFC 7515 section 4.1.9)."""
OFFERS: Final = ("crit", "b64", "jwk", "jku", "x5c", "x5u", "zip")
"""No extension is understood (RFC 7515 section 4.1.11), and no key taken from a token (RFC 8725 section 3.10)."""


class Header(NamedTuple):
    """What matters of it."""

    kid: str
    alg: str


class Sent(NamedTuple):
    """A token as it came over the wire. `digest`: SHA-256 of what was signed. `name`: what to remember the token by.

    A digest and a signature name one token and are none. These are tuples because they are made for every token: a
    frozen dataclass costs a microsecond more.
    """

    text: bytes
    message: bytes
    digest: bytes
    name: bytes

    def __repr__(self) -> str:
        return "Sent()"


class Opened(NamedTuple):
    """A token taken apart, and not yet believed. `segment` is the header as it was sent."""

    segment: bytes
    payload: bytes
    signature: bytes

    def __repr__(self) -> str:
        return "Opened()"


def receive(token: object) -> Sent:
    """Raises `TokenRefused`: `too_long`, `malformed`."""
    if not isinstance(token, str):
        raise TokenRefused("malformed", "not text")
    if len(token) > LONGEST_TOKEN:
        raise TokenRefused("too_long")
    if not token.isascii():
        raise TokenRefused("malformed", "not ASCII")
    text = token.encode()
    end = text.rfind(b".")
    if end < 0:
        raise TokenRefused("malformed", "not three segments of base64url")
    message = text[:end]
    digest = sha256(message).digest()
    return Sent(text, message, digest, digest + text[end:])


def take_apart(sent: Sent) -> Opened:
    """Raises `TokenRefused` (`malformed`)."""
    try:
        header, payload, signature = standard(sent.text).split(b".")
        return Opened(header, decode(payload), decode(signature))
    except ValueError:
        raise TokenRefused("malformed", "not three segments of base64url") from None


def read_header(segment: bytes) -> Header:
    """Raises `TokenRefused`: `malformed`, `wrong_type`, `wrong_algorithm`, `header_not_accepted`."""
    try:
        header = json_object(decode(segment))
    except ValueError:
        raise TokenRefused("malformed", "the header is not a JSON object") from None
    for name in OFFERS:
        if name in header:
            raise TokenRefused("header_not_accepted", name)
    kind: Any = header.get("typ")
    if not isinstance(kind, str) or kind.lower() not in TYPES:
        raise TokenRefused("wrong_type")
    alg = header.get("alg")
    if not isinstance(alg, str) or alg not in ALGORITHMS:
        raise TokenRefused("wrong_algorithm")
    kid = header.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= LONGEST_KID:
        raise TokenRefused("malformed", "the header names no key")
    return Header(kid=kid, alg=alg)
