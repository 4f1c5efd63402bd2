"""Owns the Connection: the lasting link of a User to an Identity, which the User can revoke.

Refuses plaintext: kept attributes and tokens have a shape here only while a flow holds them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from broker.domain.ids import ConnectionId, IdentityId, RegistrationId, UserId
from broker.domain.policy import Keep, Update

DAY = 24 * 3600
TABLE = "connections"


class ConnectionStatus(StrEnum):
    """Health of a Connection."""

    ACTIVE = "active"
    NEEDS_REAUTH = "needs_reauth"
    REVOKED = "revoked"


@dataclass(frozen=True, kw_only=True, slots=True)
class UpstreamTokens:
    """What a Provider handed out. `expires_at` in seconds since the epoch, None when the Provider did not say."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_at: int | None

    def to_bytes(self) -> bytes:
        """The plaintext that is sealed."""
        return json.dumps([self.access_token, self.refresh_token, self.expires_at]).encode()

    @classmethod
    def from_bytes(cls, plaintext: bytes) -> UpstreamTokens:
        """The inverse of `to_bytes`."""
        access_token, refresh_token, expires_at = json.loads(plaintext)
        return cls(access_token=access_token, refresh_token=refresh_token, expires_at=expires_at)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptAttribute:
    """One attribute that the policy let through.

    `since`: when this value was first kept; `taken`: when the Provider last told it, or its User put it right; None: at
    `since`. Seconds since the epoch. `corrected`: the User put it right, so that no sign-in changes it.
    """

    name: str
    value: str = field(repr=False)
    since: int
    taken: int | None = None
    corrected: bool = False

    def until(self, keep: Keep) -> int | None:
        """When its time, as the policy sets it, has passed; None: not as long as the Connection lasts."""
        taken = self.since if self.taken is None else self.taken
        return None if keep.days is None else taken + keep.days * DAY

    def is_over(self, keep: Keep, now: int) -> bool:
        """Whether that time has passed."""
        until = self.until(keep)
        return until is not None and now >= until


def attributes_to_bytes(kept: tuple[KeptAttribute, ...]) -> bytes:
    """The plaintext that is sealed."""
    return json.dumps([[a.name, a.value, a.since, a.taken, a.corrected] for a in kept]).encode()


def attributes_from_bytes(plaintext: bytes) -> tuple[KeptAttribute, ...]:
    """The inverse of `attributes_to_bytes`. Those that were sealed before it told more have three members."""
    return tuple(
        KeptAttribute(name=n, value=v, since=s, taken=rest[0] if rest else None, corrected=bool(rest and rest[1]))
        for n, v, s, *rest in json.loads(plaintext)
    )


def refreshed_attributes(
    selected: Mapping[str, str],
    before: tuple[KeptAttribute, ...],
    *,
    asked: Collection[str],
    allowed: Mapping[str, Keep],
    now: int,
) -> tuple[KeptAttribute, ...]:
    """What is kept after a sign-in.

    `selected` is what the policy chose this time, out of the attributes that were `asked` for. An unchanged value keeps
    its date. A value that was not asked for this time stays if it is still `allowed` and not over; one that was asked
    for and did not come goes. A corrected value stays, and so does the first one where only the first is taken.
    """
    had = {a.name: a for a in before if a.name in allowed and not a.is_over(allowed[a.name], now)}
    told = {*asked, *selected}
    kept = {n: a for n, a in had.items() if n not in told or a.corrected or allowed[n].update is not Update.EVERY}
    for name, value in selected.items():
        if name in kept or allowed[name].update is Update.NEVER:
            continue
        same = had.get(name)
        since = same.since if same is not None and same.value == value else now
        kept[name] = KeptAttribute(name=name, value=value, since=since, taken=now)
    return tuple(kept[name] for name in sorted(kept))


def corrected_attributes(
    before: tuple[KeptAttribute, ...], name: str, value: str, *, now: int
) -> tuple[KeptAttribute, ...]:
    """What is kept once the User has put `name` right; an unchanged value keeps its date."""
    same = next((a.since for a in before if a.name == name and a.value == value), now)
    right = KeptAttribute(name=name, value=value, since=same, taken=now, corrected=True)
    return tuple(sorted((*(a for a in before if a.name != name), right), key=lambda a: a.name))


def uncorrected_attributes(before: tuple[KeptAttribute, ...], name: str, keep: Keep) -> tuple[KeptAttribute, ...]:
    """What is kept once the User wants the Provider's value of `name` again, which the next sign-in brings.

    Until then their own stays, unless no sign-in would replace it.
    """
    stays = keep.update is Update.EVERY
    return tuple(
        replace(a, corrected=False) if a.name == name else a
        for a in before
        if a.name != name or not a.corrected or stays
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """A row of the link. `generation` counts its writes; both envelopes are bound to it.

    A revoked Connection holds no envelope any more.
    """

    id: ConnectionId
    user_id: UserId
    identity_id: IdentityId
    registration: RegistrationId
    status: ConnectionStatus
    sealed_attributes: bytes | None = field(repr=False)
    sealed_tokens: bytes | None = field(repr=False)
    granted_scopes: frozenset[str]
    generation: int
    created_at: int
    last_used_at: int
    revoked_at: int | None


def renewed(
    before: Connection | None,
    *,
    id: ConnectionId,
    user_id: UserId,
    identity_id: IdentityId,
    registration: RegistrationId,
    granted_scopes: frozenset[str],
    now: int,
) -> Connection:
    """The Connection after a sign-in, still without its envelopes: a new one, or `before` in its next generation.

    One that was revoked begins anew; one that lasted keeps the date of its beginning.
    """
    lasted = before is not None and before.status is not ConnectionStatus.REVOKED
    return Connection(
        id=id if before is None else before.id,
        user_id=user_id,
        identity_id=identity_id,
        registration=registration,
        status=ConnectionStatus.ACTIVE,
        sealed_attributes=None,
        sealed_tokens=None,
        granted_scopes=granted_scopes,
        generation=1 if before is None else before.generation + 1,
        created_at=before.created_at if before is not None and lasted else now,
        last_used_at=now,
        revoked_at=None,
    )
