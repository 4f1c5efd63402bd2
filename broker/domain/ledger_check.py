"""Owns what proves that a ledger is whole: events, links and signed heads are walked through together, in order.

Refuses to go on after the first thing that is wrong: what follows it proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from broker.domain.ledger_chain import COLUMNS, GENESIS, Head, Link, Row, chain_hash, event_hash


class Wrong(StrEnum):
    """What can be wrong with a place in the ledger."""

    CHANGED = "changed"
    REMOVED = "removed"
    INSERTED = "inserted"
    REORDERED = "reordered"
    LINK = "link"
    HEAD = "head"


@dataclass(frozen=True, kw_only=True, slots=True)
class Broken:
    """The first place that is wrong. `event_id` None: there is no event to name."""

    what: Wrong
    position: int
    event_id: int | None = None

    def __str__(self) -> str:
        event = "" if self.event_id is None else f", event {self.event_id}"
        return f"position {self.position}{event}: {_SENTENCES[self.what]}"


_SENTENCES = {
    Wrong.CHANGED: "the event is not what it was when it was chained",
    Wrong.REMOVED: "the event, or its link, is gone",
    Wrong.INSERTED: "the event was put in before others that are chained",
    Wrong.REORDERED: "events have changed places",
    Wrong.LINK: "the link does not follow from the one before it",
    Wrong.HEAD: "the chain is not the one that was signed",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Walked:
    """How far the walk has come. `missing`: events that were pruned. `heads`: how many signed heads agree."""

    last: Link | None = None
    missing: int = 0
    heads: int = 0
    broken: Broken | None = None

    @property
    def position(self) -> int:
        """Of the last link that is good."""
        return 0 if self.last is None else self.last.position

    @property
    def event_id(self) -> int:
        """Of the last link that is good."""
        return 0 if self.last is None else self.last.event_id


def walk(
    before: Walked, links: Sequence[Link], rows: Sequence[Row], heads: Mapping[int, Sequence[Head]], *, pruned: int
) -> Walked:
    """Go on with the next `links`, the `rows` between the last event that was seen and the last of these, and `heads`
    by their position. Up to the position `pruned` events may be missing."""
    state, following = before, _Rows(rows)
    for link in links:
        broken = _wrong(state, link, following, links)
        if broken is not None:
            return replace(state, broken=broken)
        missing = following.take(link.event_id) is None
        if missing and link.position > pruned:
            broken = Broken(what=Wrong.REMOVED, position=link.position, event_id=link.event_id)
            return replace(state, broken=broken)
        agreeing = heads.get(link.position, ())
        if any(head.chain_hash != link.chain_hash.hex() for head in agreeing):
            broken = Broken(what=Wrong.HEAD, position=link.position, event_id=link.event_id)
            return replace(state, broken=broken)
        state = Walked(last=link, missing=state.missing + missing, heads=state.heads + len(agreeing))
    return state


class _Rows:
    """Events by their ids, taken one after another."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rest: Iterator[Row] = iter(rows)
        self.next = next(self._rest, None)

    def take(self, event_id: int) -> Row | None:
        """The next one, if it is this one."""
        if self.next is None or self.next.id != event_id:
            return None
        row, self.next = self.next, next(self._rest, None)
        return row


def _wrong(state: Walked, link: Link, rows: _Rows, links: Sequence[Link]) -> Broken | None:
    """What is wrong with this link, or with its event if that is there."""
    here = state.position + 1
    if link.position != here:
        return Broken(what=Wrong.REMOVED, position=here)
    if link.event_id <= state.event_id:
        return Broken(what=Wrong.REORDERED, position=here, event_id=link.event_id)
    row = rows.next
    if row is not None and row.id < link.event_id:
        return Broken(what=Wrong.INSERTED, position=here, event_id=row.id)
    if row is not None and row.id == link.event_id and not _is(row, link):
        moved = any(_is(Row(columns=(other.event_id, *row.columns[1:])), other) for other in links)
        return Broken(what=Wrong.REORDERED if moved else Wrong.CHANGED, position=here, event_id=row.id)
    if chain_hash(GENESIS if state.last is None else state.last.chain_hash, link.event_hash, here) != link.chain_hash:
        return Broken(what=Wrong.LINK, position=here, event_id=link.event_id)
    return None


def _is(row: Row, link: Link) -> bool:
    """Whether this is the event that was chained there."""
    if len(row.columns) != len(COLUMNS):
        return False
    try:
        return event_hash(row) == link.event_hash
    except ValueError:
        return False
