"""Owns the changes to keys: those of Users, those that sign, and what keys are recognised by."""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.domain.ids import (
    DataKeyId,
    KeyedHash,
)
from broker.domain.sealing import WrappedKey
from broker.domain.signing_key import SigningKey


@dataclass(frozen=True, kw_only=True, slots=True)
class AddDataKey:
    """`Conflict` when the owner has a data key already."""

    key: WrappedKey


@dataclass(frozen=True, kw_only=True, slots=True)
class RewrapDataKey:
    """Give a data key another wrapping, if it still has `expected_wrapped`; else leave it as somebody else made it."""

    key: WrappedKey
    expected_wrapped: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplaceDataKey:
    """Give an owner this data key; `Conflict` unless theirs is still `expected_id`, wrapped as `expected_wrapped`.

    What was sealed under another one is lost with it: whoever writes this seals all of it anew in the same write. With
    the same id and a new wrapping it destroys nothing, and tells others that something was sealed meanwhile.
    """

    key: WrappedKey
    expected_id: DataKeyId
    expected_wrapped: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class AddSigningKey:
    """`Conflict` when another key of its algorithm is active, or pending, and this one would be too."""

    key: SigningKey = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class PromoteSigningKey:
    """Make a pending key the active one; `Conflict` when it is not pending, or another of its algorithm is active."""

    kid: str
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RetireSigningKey:
    """Let a key sign nothing more; `Conflict` unless it is pending or active."""

    kid: str
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RevokeSigningKey:
    """Take a key away, and destroy its private half; `Conflict` when it is revoked already, or gone."""

    kid: str
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveSigningKey:
    """Forget a key that was retired or revoked; `Conflict` when it is gone already."""

    kid: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AddKeyCheck:
    """Note what a key makes of a known text, to recognise the key by. `Conflict` when `name` is noted already."""

    name: str
    value: KeyedHash
