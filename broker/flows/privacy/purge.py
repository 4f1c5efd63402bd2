"""Owns having a tighter policy take effect on what is kept already: what it does not allow is dropped, bit by bit.

Where it stands is in the rows themselves: whoever is stopped, at whatever point, is carried on from there by anybody.
Refuses to overwrite what a sign-in has written meanwhile, to touch whoever is held, and to run twice at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from broker.domain.changes import Record, ReplaceConnection, RequireNotHeld
from broker.domain.errors import Conflict, Fault, SealBroken
from broker.domain.ids import ConnectionId, RegistrationId
from broker.domain.ledger import AuditEvent
from broker.domain.policy import AttributePolicy
from broker.flows.broken_seal import mark
from broker.flows.found import ConnectionInFull
from broker.flows.ports import Clock, Vault
from broker.flows.sealed import keeping, open_attributes
from broker.flows.store import Store

AT_ONCE = 100
"""Connections in one read. Each is written by itself, so that it meets as few others as can be."""
LEASE = "purge"
LEASE_SECONDS = 60
_TRIES = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Purged:
    """How far a run has come.

    `dropped`: how many values of each attribute went, or would go. `connections`: from so many Connections, out of
    `looked_at`. `unreadable` do not open, and were marked and left: nobody else can read them either. `is_ours` is
    False where another process holds the lease: it does the work.
    """

    looked_at: int
    connections: int
    dropped: Mapping[tuple[RegistrationId, str], int]
    unreadable: tuple[ConnectionId, ...]
    is_ours: bool = True

    @property
    def attributes(self) -> int:
        """How many values went."""
        return sum(self.dropped.values())


Pace = Callable[[Purged], Awaitable[None]]
"""Is told after each batch, and comes back when the next one may begin."""


async def purge(
    policy: AttributePolicy, store: Store, vault: Vault, clock: Clock, *, holder: str, dry_run: bool, pace: Pace
) -> Purged:
    """Drop what this policy does not allow of anybody, or not for so long. `holder` names this process.

    A `dry_run` writes nothing, and counts. Raises `Fault`.
    """
    looked_at, after = 0, ""
    dropped: Counter[tuple[RegistrationId, str]] = Counter()
    touched: list[ConnectionId] = []
    unreadable: list[ConnectionId] = []

    def so_far(*, is_ours: bool = True) -> Purged:
        return Purged(
            looked_at=looked_at,
            connections=len(touched),
            dropped=dict(dropped),
            unreadable=tuple(unreadable),
            is_ours=is_ours,
        )

    while True:
        if not dry_run and not await store.take_lease(LEASE, holder, clock.now(), LEASE_SECONDS):
            return so_far(is_ours=False)
        batch = await store.connections_keeping(after, AT_ONCE)
        if not batch:
            break
        for found in batch:
            try:
                gone = await _purge_one(found, policy, store, vault, clock, dry_run=dry_run)
            except SealBroken:
                unreadable.append(found.connection.id)
                if not dry_run:
                    await mark(found.connection, store, clock)
                continue
            dropped.update((found.connection.registration, name) for name in gone)
            touched += [found.connection.id] if gone else []
        looked_at += len(batch)
        after = batch[-1].connection.id
        await pace(so_far())
    if not dry_run:
        await store.take_lease(LEASE, holder, clock.now(), 0)
    return so_far()


async def _purge_one(
    found: ConnectionInFull | None, policy: AttributePolicy, store: Store, vault: Vault, clock: Clock, *, dry_run: bool
) -> tuple[str, ...]:
    """The names of what went, or would go. Raises `SealBroken` or `Fault`."""
    for _ in range(_TRIES):
        if found is None:
            return ()
        before = found.connection
        allowed = policy.keeps(before.registration, found.clients, found.agreed)
        kept = await open_attributes(before, found.data_key, vault)
        staying = tuple(a for a in kept if a.name in allowed and not a.is_over(allowed[a.name], clock.now()))
        gone = tuple(a.name for a in kept if a not in staying)
        if not gone or await store.held(before.user_id) is not None:
            return ()
        if dry_run:
            return gone
        connection = await keeping(before, staying, found.data_key, vault)
        event = AuditEvent(
            at=clock.now(),
            action="attributes.purge",
            outcome="done",
            reason=f"{len(gone)}:{','.join(gone)}",
            user_id=before.user_id,
            registration=before.registration,
            object_id=before.id,
        )
        try:
            await store.write(
                RequireNotHeld(user_id=before.user_id),
                ReplaceConnection(connection=connection, expected_generation=before.generation),
                Record(event=event),
            )
        except Conflict:
            found = await store.connection(before.id)  # somebody else wrote it meanwhile: look at what they wrote
        else:
            return gone
    raise Fault("contention", "Somebody is signing in at this very moment. Please try again.")
