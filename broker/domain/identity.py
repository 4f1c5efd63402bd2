"""Owns the Identity: who a Provider says somebody is. Refuses e-mail as an identity; it is mutable and re-assigned."""

from __future__ import annotations

import string
from dataclasses import dataclass, field

from broker.domain.ids import IdentityId, KeyedHash, RegistrationId, UserId

_MAX_EMAIL = 254
"""Characters: what an SMTP path leaves of its 256 (RFC 5321 section 4.5.3.1.3)."""
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderIdentity:
    """A verified (registration, issuer, subject), as it stands in an answer that has passed every check."""

    registration: RegistrationId
    issuer: str
    subject: str = field(repr=False)

    def key(self) -> str:
        """One unambiguous string to take the keyed hash of."""
        return unambiguous(self.registration, self.issuer, self.subject)


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """The lasting record: a keyed hash of the `ProviderIdentity`, and whose it is.

    It outlives a revoked Connection, so that coming back with the same account is coming back to the same User.
    """

    id: IdentityId
    hash: KeyedHash
    registration: RegistrationId
    user_id: UserId
    created_at: int


def unambiguous(*parts: str) -> str:
    """One string for these parts and no others: each is preceded by its length."""
    return "".join(f"{len(part)}:{part}" for part in parts)


def normalise_email(address: str) -> str | None:
    """The form in which addresses are compared: trimmed, ASCII letters in lower case. None when it is not an address.

    No other letter is folded: str.lower makes a "k" of the Kelvin sign, and so one person's address of another's.
    """
    trimmed = address.strip().translate(_LOWER)
    local, _, domain = trimmed.rpartition("@")
    if not local or not domain or "@" in local or len(trimmed) > _MAX_EMAIL:
        return None
    return trimmed if trimmed.isprintable() and " " not in trimmed else None
