"""Owns the inside of a token: the claims of RFC 9068 section 2.2, and the broker's own, become a Session.

Refuses claims that are absent, of another type, or contradict each other. A boolean is not a number.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from partner_ops_verifier.errors import TokenRefused
from partner_ops_verifier.session import Rights, Session
from partner_ops_verifier.spelling import json_object

LONGEST_TEXT: Final = 512
"""Characters of an id; OpenID Connect Core section 2 allows a `sub` 255."""
LATEST: Final = 2**53
"""What every JSON library counts exactly (RFC 8259 section 6)."""
_TEXTS: Final = ("sub", "client_id", "jti")
_OPTIONAL_TEXTS: Final = ("sid", "org_id")
_OPTIONAL_NUMBERS: Final = ("nbf", "auth_time", "epoch")
_DIGEST: Final = re.compile(r"sha-256:[0-9a-f]{64}")
_THUMBPRINT: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """`authorizations_ref`: where the Authorizations are that were too many for the token."""

    url: str
    digest: str
    count: int


def in_time(begins: int, ends: int, now: int, leeway: int) -> None:
    """Raises `TokenRefused`: `not_yet_valid`, `expired`."""
    if ends <= now - leeway:
        raise TokenRefused("expired")
    if begins > now + leeway:
        raise TokenRefused("not_yet_valid")


def read(payload: bytes, issuer: str, wanted: str) -> tuple[Session, Reference | None]:
    """The Session of a payload whose signature is good, in time or not. With a Reference it has no rights yet.

    Raises `TokenRefused`: `bad_claims`, `wrong_issuer`, `wrong_audience`.
    """
    try:
        claims = json_object(payload)
    except ValueError:
        raise _bad("payload") from None
    if claims.get("iss") != issuer:
        raise TokenRefused("wrong_issuer")
    audience = claims.get("aud")
    if audience != wanted:
        _among(audience, wanted)
    for name in _TEXTS:
        _text(claims, name)
    for name in _OPTIONAL_TEXTS:
        if name in claims:
            _text(claims, name)
    for name in _OPTIONAL_NUMBERS:
        if name in claims:
            _number(claims, name)
    if _number(claims, "exp") <= _number(claims, "iat"):
        raise _bad("exp")
    if type(claims.get("scope", "")) is not str:
        raise _bad("scope")
    if "cnf" in claims and not _is_thumbprint(claims["cnf"]):
        raise _bad("cnf")
    rights = _rights(claims["authorizations"], claims.get("org_id")) if "authorizations" in claims else {}
    return Session(claims, rights, payload), _reference(claims)


def with_authorizations(session: Session, reference: Reference, body: bytes) -> Session:
    """The Session with the rights that `reference` leads to. Raises `TokenRefused`: `authorizations_changed`."""
    if f"sha-256:{hashlib.sha256(body).hexdigest()}" != reference.digest:
        raise TokenRefused("authorizations_changed")
    try:
        rights = _rights(json_object(body), session.organization)
    except ValueError:
        raise _bad("authorizations_ref") from None
    if len(rights) != reference.count:
        raise _bad("authorizations_ref")
    return session.with_rights(rights)


def _bad(name: str) -> TokenRefused:
    return TokenRefused("bad_claims", name)


def _number(claims: Mapping[str, Any], name: str) -> int:
    """A whole number that is not negative. `type`, because True is an int to isinstance."""
    value = claims.get(name)
    if type(value) is not int or not 0 <= value < LATEST:
        raise _bad(name)
    return value


def _text(claims: Mapping[str, Any], name: str) -> str:
    """An id: not empty, and of characters that can stand in a header or a line of a log."""
    value = claims.get(name)
    if type(value) is not str or not 0 < len(value) <= LONGEST_TEXT or not value.isprintable():
        raise _bad(name)
    return value


def _is_thumbprint(confirmation: Any) -> bool:
    """RFC 9449 section 6.1. What is bound in a way that is not known here would not be bound at all."""
    if type(confirmation) is not dict or confirmation.keys() != {"jkt"} or type(confirmation["jkt"]) is not str:
        return False
    return _THUMBPRINT.fullmatch(confirmation["jkt"]) is not None


def _among(audience: Any, wanted: str) -> None:
    """RFC 7519 section 4.1.3: one text, or a list of them."""
    several = [audience] if type(audience) is str else audience
    if type(several) is not list or not several or not all(type(one) is str for one in several):
        raise _bad("aud")
    if wanted not in several:
        raise TokenRefused("wrong_audience")


def _rights(authorizations: Any, organization: str | None) -> Rights:
    """Client -> rights. A token that is narrowed to one Client speaks of no other."""
    if type(authorizations) is not dict:
        raise _bad("authorizations")
    rights: dict[str, frozenset[str]] = {}
    for client_org, given in authorizations.items():
        if type(given) is not list or not client_org or (organization is not None and client_org != organization):
            raise _bad("authorizations")
        for right in given:
            if type(right) is not str or not right:
                raise _bad("authorizations")
        rights[client_org] = frozenset(given)
    return rights


def _reference(claims: Mapping[str, Any]) -> Reference | None:
    if "authorizations_ref" not in claims:
        return None
    reference = claims["authorizations_ref"]
    if type(reference) is not dict or "authorizations" in claims:  # one or the other
        raise _bad("authorizations_ref")
    url, digest = reference.get("url"), reference.get("digest")
    if type(url) is not str or type(digest) is not str or _DIGEST.fullmatch(digest) is None:
        raise _bad("authorizations_ref")
    return Reference(url=url, digest=digest, count=_number(reference, "count"))
