"""Owns the chain that is laid over the ledger: what is hashed of an event, and how one link follows from another.

Refuses two events that would be hashed alike: every column has its kind and its length before it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from broker.domain.ledger import AuditEvent

FORMAT = b"ledger-event.v1"
"""What every event is hashed with: another version of the encoding is another name."""
COLUMNS = (
    *("id", "at", "action", "outcome", "reason", "request_id", "user_id", "application_id", "registration"),
    *("client_org", "object_id", "released", "ground", "sealed"),
)
"""What is hashed, in this order; as it is stored, so that nothing can be written in another way unnoticed."""
GENESIS = bytes(32)
"""Before the first link."""
HEAD_TYPE = "ledger-head+jwt"
PRUNE = "ledger.prune"

Column = int | float | str | bytes | None
"""As a database may hold it; SQLite holds anything anywhere."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """An event as it is stored, its columns in the order of `COLUMNS`."""

    columns: tuple[Column, ...]

    @property
    def id(self) -> int:
        """Of the event."""
        return int(self.columns[0] or 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """One event's place in the chain, and the hash of all up to there. Positions count up from 1, without gaps."""

    position: int
    event_id: int
    event_hash: bytes
    chain_hash: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """What is signed about the chain's end. `chain_hash` in hexadecimal digits."""

    issuer: str
    position: int
    chain_hash: str
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedHead:
    """A head that somebody signed. `known`: the signature was checked; else the key is forgotten by now."""

    head: Head
    kid: str
    known: bool


def encoded(row: Row) -> bytes:
    """The one text of these columns. Raises `ValueError` for what no column of the ledger can rightly hold."""
    return FORMAT + b"".join(map(_encoded, row.columns))


def event_hash(row: Row) -> bytes:
    """SHA-256 of the encoding. Raises `ValueError` as `encoded` does."""
    return hashlib.sha256(encoded(row)).digest()


def chain_hash(before: bytes, of_event: bytes, position: int) -> bytes:
    """SHA-256 of the hash before, the event's, and the position as eight bytes."""
    return hashlib.sha256(before + of_event + position.to_bytes(8, "big")).digest()


def linked(last: Link | None, rows: Sequence[Row]) -> tuple[Link, ...]:
    """The links that go on from `last` with these events, in their order."""
    position, before = (0, GENESIS) if last is None else (last.position, last.chain_hash)
    links: list[Link] = []
    for row in rows:
        position, of_event = position + 1, event_hash(row)
        before = chain_hash(before, of_event, position)
        links.append(Link(position=position, event_id=row.id, event_hash=of_event, chain_hash=before))
    return tuple(links)


def head_claims(issuer: str, last: Link, now: int) -> dict[str, Any]:
    """What is signed about a chain that ends with `last`."""
    return {"iss": issuer, "position": last.position, "chain_hash": last.chain_hash.hex(), "iat": now}


def head_of(claims: Mapping[str, Any]) -> Head | None:
    """None for claims that `head_claims` did not make."""
    issuer, position, at, chained = (claims.get(name) for name in ("iss", "position", "iat", "chain_hash"))
    if type(position) is not int or type(at) is not int or not isinstance(issuer, str) or not isinstance(chained, str):
        return None
    return Head(issuer=issuer, position=position, chain_hash=chained, at=at)


def pruning(last: int, now: int) -> AuditEvent:
    """What has to be recorded with a `PruneLedger`: up to which position events may be missing from now on."""
    return AuditEvent(at=now, action=PRUNE, outcome="done", object_id=str(last))


def pruned_to(object_ids: Sequence[str | None]) -> int:
    """The position up to which events may be missing, by the `object_id` of every event that says so; 0: none may."""
    positions = (int(text) for text in object_ids if text is not None and text.isascii() and text.isdecimal())
    return max(positions, default=0)


def _encoded(value: Column) -> bytes:
    match value:
        case None:
            return b"\x00"
        case int():
            kind, content = b"\x01", str(value).encode()
        case str():
            kind, content = b"\x02", value.encode()
        case bytes():
            kind, content = b"\x03", value
        case _:
            raise ValueError(type(value).__name__)
    return kind + len(content).to_bytes(4, "big") + content
