"""Owns the changes to the ledger, and to the chain that is laid over it afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.domain.ids import UserId
from broker.domain.ledger import AuditEvent
from broker.domain.ledger_chain import Link

EVER = 2**53
"""Seconds since the epoch, after everything."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """Append to the ledger."""

    event: AuditEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class AddLink:
    """Append to the chain. `Conflict` when this position is taken, or this event in the chain already."""

    link: Link


@dataclass(frozen=True, kw_only=True, slots=True)
class AddLedgerHead:
    """Keep what was signed about the chain's end. `Conflict` when that position was signed before."""

    position: int
    at: int
    signed: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class PruneLedger:
    """Delete the events at the positions from `first` up to and with `last`, but none of a User in `spared`, or held.

    Only those from `before` then, and of these `actions`; with `others`, of all but these.

    Their links stay. It goes with `ledger_chain.pruning(last)` in one write: without that event the chain is broken.
    """

    first: int
    last: int
    spared: frozenset[UserId] = frozenset()
    before: int = EVER
    actions: frozenset[str] = frozenset()
    others: bool = True
