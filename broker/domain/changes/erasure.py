"""Owns the changes that erase a User: a tombstone, and every row that mentions them gone, the key among the first."""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.ids import UserId


@dataclass(frozen=True, kw_only=True, slots=True)
class PutTombstone:
    """The User was erased, and stays so, whatever a back-up brings back."""

    user_id: UserId
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SetEraseAt:
    """When the User is to be erased; None: not at all."""

    user_id: UserId
    erase_at: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveDataKey:
    """What is sealed of the User opens for nobody from now on."""

    user_id: UserId


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveGrantsOf:
    user_id: UserId


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveSessionsOf:
    user_id: UserId


@dataclass(frozen=True, kw_only=True, slots=True)
class RemovePendingRevocationsOf:
    user_id: UserId


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveConnectionsOf:
    user_id: UserId


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveIdentitiesOf:
    user_id: UserId


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveConsentsOf:
    user_id: UserId


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveAcceptancesOf:
    user_id: UserId


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveChoicesOf:
    user_id: UserId


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveAuthorizationsOf:
    """Those that were bound to the User, and with each the keyed hash of the address it was sent to."""

    user_id: UserId


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveUser:
    """`Conflict` while another row refers to them."""

    user_id: UserId


ALL_OF_USER = (
    RemoveDataKey,
    RemovePendingRevocationsOf,
    RemoveGrantsOf,
    RemoveSessionsOf,
    RemoveConnectionsOf,
    RemoveIdentitiesOf,
    RemoveConsentsOf,
    RemoveAcceptancesOf,
    RemoveChoicesOf,
    RemoveAuthorizationsOf,
    RemoveUser,
)
"""In this order: nothing that is left refers to what is gone."""
