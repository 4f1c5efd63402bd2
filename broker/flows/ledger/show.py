"""Owns showing the ledger to an operator, a part at a time, in its order.

Refuses to open what is sealed unless somebody asked for it, and then not before the ledger has a line about that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from broker.domain.changes import Record
from broker.domain.ids import UserId
from broker.domain.ledger import AuditEvent, Entry
from broker.domain.sealing import WrappedKey
from broker.flows.ports import Clock, Vault
from broker.flows.sealed_event import opened_address
from broker.flows.store import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """An event. `address` None: there is none, it was not asked for, or it does not open any more."""

    entry: Entry
    address: str | None = field(repr=False)


async def show(
    user_id: UserId | None, after: int, limit: int, store: Store, vault: Vault, clock: Clock, *, with_values: bool
) -> tuple[Shown, ...]:
    """Events of one User, or of all, from the first one after the id `after` on. Raises `Fault`."""
    entries = await store.entries(user_id, after, limit)
    if not with_values:
        return tuple(Shown(entry=entry, address=None) for entry in entries)
    owners = sorted({e.event.user_id for e in entries if e.event.user_id is not None and e.event.sealed is not None})
    keys = {owner: await store.data_key(owner) for owner in owners}
    now = clock.now()
    await store.write(*(_told(owner, now) for owner in owners))
    return await _opened(entries, keys, vault)


def _told(owner: UserId, now: int) -> Record:
    return Record(event=AuditEvent(at=now, action="ledger.show", outcome="done", user_id=owner))


async def _opened(entries: Sequence[Entry], keys: dict[UserId, WrappedKey | None], vault: Vault) -> tuple[Shown, ...]:
    return tuple(
        [
            Shown(
                entry=entry,
                address=None
                if entry.event.user_id is None
                else await opened_address(entry.event, keys.get(entry.event.user_id), vault),
            )
            for entry in entries
        ]
    )
