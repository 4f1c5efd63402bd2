"""Owns the on-line rotation of the KEK: every data key comes to be wrapped by the first KEK, some at a time.

Where it stands is in the rows themselves: whoever is stopped, at whatever point, is carried on from there by anybody.
Refuses to touch what somebody else has changed meanwhile, and to run twice at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from broker.domain.changes import Change, Record, RewrapDataKey
from broker.domain.ids import DataKeyId
from broker.domain.ledger import AuditEvent
from broker.domain.sealing import succeeds
from broker.flows.ports import Clock, Vault
from broker.flows.store import Store

AT_ONCE = 500
"""Data keys in one write."""
LEASE = "rewrap"
LEASE_SECONDS = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Rewrapped:
    """How far a run has come.

    `left`: data keys under other KEKs that are to be moved still. Those in `unreadable` are among them: they do not
    unwrap. `is_ours` is False where another process holds the lease: it does the work.
    """

    kek_id: str
    moved: int
    left: int
    unreadable: tuple[DataKeyId, ...]
    is_ours: bool = True

    @property
    def is_done(self) -> bool:
        """Whether nothing is left that could be moved."""
        return self.left <= len(self.unreadable)


Pace = Callable[[Rewrapped], Awaitable[None]]
"""Is told after each write, and comes back when the next one may begin."""


async def rewrap(store: Store, vault: Vault, clock: Clock, *, holder: str, asked: bool, pace: Pace) -> Rewrapped:
    """Move data keys to the first KEK until none is left. `holder` names this process. Raises `Fault`.

    Unless somebody `asked`, they only leave earlier versions of that same KEK. While processes have different keyrings,
    each would else carry back what the other has moved.
    """
    first = next(iter(vault.keks))
    moved, unreadable = 0, set[DataKeyId]()
    left = sum((await _to_leave(store, first, asked=asked)).values())
    if not left:
        return _so_far(first, moved, left, unreadable)
    while left > len(unreadable):
        for kek_id in await _to_leave(store, first, asked=asked):
            after = ""
            while True:
                now = clock.now()
                if not await store.take_lease(LEASE, holder, now, LEASE_SECONDS):
                    return _so_far(first, moved, left, unreadable, is_ours=False)
                keys = await store.data_keys_under(kek_id, after, AT_ONCE)
                if not keys:
                    break
                after = keys[-1].id
                changes: list[Change] = []
                for key, rewrapped in zip(keys, await vault.rewrap(keys), strict=True):
                    if rewrapped is None:
                        unreadable.add(key.id)
                    else:
                        changes.append(RewrapDataKey(key=rewrapped, expected_wrapped=key.wrapped))
                if changes:
                    event = AuditEvent(at=now, action="data_key.rewrap", outcome="done", object_id=first)
                    await store.write(*changes, Record(event=event))
                moved += len(changes)
                await pace(_so_far(first, moved, max(left - moved, len(unreadable)), unreadable))
        # Keys that were made meanwhile, by a process with another keyring, are found in another round.
        left = sum((await _to_leave(store, first, asked=asked)).values())
    await store.take_lease(LEASE, holder, clock.now(), 0)
    return _so_far(first, moved, left, unreadable)


async def _to_leave(store: Store, first: str, *, asked: bool) -> Mapping[str, int]:
    """KEK -> how many data keys are to leave it. Never one that is newer than the first: that is being introduced."""
    if await store.keks_in_use() in ((), (first,)):
        return {}
    counts = await store.data_key_counts()
    others = {kek_id: count for kek_id, count in counts.items() if kek_id != first and not succeeds(kek_id, first)}
    return others if asked else {kek_id: count for kek_id, count in others.items() if succeeds(first, kek_id)}


def _so_far(kek_id: str, moved: int, left: int, unreadable: set[DataKeyId], *, is_ours: bool = True) -> Rewrapped:
    return Rewrapped(kek_id=kek_id, moved=moved, left=left, unreadable=tuple(sorted(unreadable)), is_ours=is_ours)
