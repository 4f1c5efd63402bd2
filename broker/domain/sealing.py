"""Owns where a sealed value belongs and which key seals it.

Refuses plaintext keys: only wrapped ones have a shape here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.domain.ids import DataKeyId

NO_CLIENT = "-"
"""Stands for "no Client" in a `Place`, since a Client's id is never "-"."""
SYSTEM_OWNER = "system"
"""Owner of the data key that seals what belongs to no User."""


def adapter_of(kek_id: str) -> str:
    """Who keeps the KEK `adapter:name:version`."""
    return kek_id.partition(":")[0]


def succeeds(kek_id: str, other: str) -> bool:
    """Whether `kek_id` is a later version of the KEK `other`. Between two adapters or names no order is known."""
    name, _, version = kek_id.rpartition(":")
    other_name, _, other_version = other.rpartition(":")
    if name != other_name or not (version.isascii() and version.isdigit()):
        return False
    return other_version.isascii() and other_version.isdigit() and int(version) > int(other_version)


@dataclass(frozen=True, kw_only=True, slots=True)
class WrappedKey:
    """A data key, wrapped by the KEK `kek_id` (adapter:name:version). `owner` is a User's id or `SYSTEM_OWNER`."""

    id: DataKeyId
    owner: str
    kek_id: str
    wrapped: bytes = field(repr=False)
    created_at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """The one place where a ciphertext opens; it becomes the additional authenticated data.

    `generation` is the compare-and-set counter of the row, so that an old value cannot be put back.
    """

    table: str
    column: str
    row_id: str
    owner: str
    registration: str
    client_org: str = NO_CLIENT
    generation: int
