"""Owns the Identity: who a Provider says somebody is. Refuses e-mail as an identity; it is mutable and re-assigned."""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.domain.ids import IdentityId, KeyedHash, RegistrationId, UserId


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderIdentity:
    """A verified (registration, issuer, subject), as it stands in an answer that has passed every check."""

    registration: RegistrationId
    issuer: str
    subject: str = field(repr=False)

    def key(self) -> str:
        """One unambiguous string to take the keyed hash of: each part is preceded by its length."""
        parts = (self.registration, self.issuer, self.subject)
        return "".join(f"{len(part)}:{part}" for part in parts)


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


def normalise_email(address: str) -> str | None:
    """The form in which addresses are compared: trimmed, lower case. None when it is not an address."""
    trimmed = address.strip().lower()
    local, at, domain = trimmed.rpartition("@")
    if not at or not local or not domain or len(trimmed) > 254 or any(c.isspace() for c in trimmed):
        return None
    return trimmed
