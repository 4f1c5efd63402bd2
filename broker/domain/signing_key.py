"""Owns the record of a key that signs tokens: its public half, and its private half as a sealed value only."""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.domain.ids import DataKeyId
from broker.domain.sealing import SYSTEM_OWNER, Place

TABLE = "signing_keys"


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningKey:
    """`public_jwk` is JSON (RFC 7517). Exactly one key has `active` set; the others only verify."""

    kid: str
    alg: str
    active: bool
    public_jwk: str
    sealed_private: bytes = field(repr=False)
    data_key_id: DataKeyId
    created_at: int


def place_of(kid: str) -> Place:
    """Where the sealed private half of the key `kid` belongs."""
    return Place(table=TABLE, column="sealed_private", row_id=kid, owner=SYSTEM_OWNER, registration="-", generation=0)
