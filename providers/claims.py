"""Owns what several pages of facts say in the same way: subjects, e-mail rules, the standard claims.

Refuses JSON's near misses: the string "true", the number 1 and an empty string are neither true nor a name.
"""

from __future__ import annotations

from collections.abc import Iterable

from providers.spec import Attribute, Claims, EmailTrust, Where


def text(claims: Claims, name: str) -> str | None:
    """A claim that is a non-empty string, else None."""
    value = claims.get(name)
    return value if isinstance(value, str) and value else None


def sub(claims: Claims) -> str | None:
    """OpenID Connect's own subject, which is never re-assigned within an issuer."""
    return text(claims, "sub")


def told(where: Where, scope: str | None, names: Iterable[str]) -> dict[str, Attribute]:
    """Attributes that are named as their claims are, all of one scope."""
    return {name: Attribute(path=(name,), scope=scope, where=where) for name in names}


def domain_of(address: str) -> str | None:
    """The lower-case domain of an e-mail address; None when a part is missing, or there is more than one "@"."""
    local, _, domain = address.partition("@")
    return domain.lower() if local and domain and "@" not in domain else None


def _never(claims: Claims, trusted: frozenset[str]) -> str | None:
    return None


def _if_trusted_domain(claims: Claims, trusted: frozenset[str]) -> str | None:
    email = text(claims, "email")
    if email is None or claims.get("email_verified") is not True:
        return None
    return email if domain_of(email) in trusted else None


NEVER_TRUSTED = EmailTrust(kind="never", verified=_never)
TRUSTED_IN_DOMAINS = EmailTrust(kind="domain", verified=_if_trusted_domain)
"""A Provider speaks for the domains that the operator listed for it, and for no other."""
