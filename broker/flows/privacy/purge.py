"""Owns having a tighter policy take effect on what is kept already: what it does not allow is dropped, bit by bit.

Tokens that were asked for its sake alone go with it, and their Provider is told.
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
from broker.flows.broken_seal import mark
from broker.flows.found import ConnectionInFull
from broker.flows.ports import Ports
from broker.flows.reduced import reduced, without_permission
from broker.flows.sealed import open_attributes

AT_ONCE = 100
"""Connections in one read. Each is written by itself, so that it meets as few others as can be."""
LEASE = "purge"
LEASE_SECONDS = 60
_TRIES = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Purged:
    """How far a run has come.

    `dropped`: how many values of each attribute went, or would go. `connections`: from so many Connections, out of
    `looked_at`. `tokens`: so many Connections' tokens went with that. `unreadable` do not open, and were
    marked and left: nobody else can read them either. `is_ours` is False where another process holds the lease: it does
    the work.
    """

    looked_at: int
    connections: int
    tokens: int = 0
    dropped: Mapping[tuple[RegistrationId, str], int]
    unreadable: tuple[ConnectionId, ...]
    is_ours: bool = True

    @property
    def attributes(self) -> int:
        """How many values went."""
        return sum(self.dropped.values())


Pace = Callable[[Purged], Awaitable[None]]
"""Is told after each batch, and comes back when the next one may begin."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Gone:
    """What went of one Connection, or would go."""

    names: tuple[str, ...] = ()
    tokens: bool = False


async def purge(ports: Ports, *, holder: str, dry_run: bool, pace: Pace) -> Purged:
    """Drop what the policy in force does not allow of anybody, or not for so long. `holder` names this process.

    A `dry_run` writes nothing, and counts. Raises `Fault`.
    """
    store, clock = ports.store, ports.clock
    looked_at, tokens, after = 0, 0, ""
    dropped: Counter[tuple[RegistrationId, str]] = Counter()
    touched: list[ConnectionId] = []
    unreadable: list[ConnectionId] = []

    def so_far(*, is_ours: bool = True) -> Purged:
        return Purged(
            looked_at=looked_at,
            connections=len(touched),
            tokens=tokens,
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
                gone = await _purge_one(found, ports, dry_run=dry_run)
            except SealBroken:
                unreadable.append(found.connection.id)
                if not dry_run:
                    await mark(found.connection, store, clock)
                continue
            dropped.update((found.connection.registration, name) for name in gone.names)
            touched += [found.connection.id] if gone.names else []
            tokens += gone.tokens
        looked_at += len(batch)
        after = batch[-1].connection.id
        await pace(so_far())
    if not dry_run:
        await store.take_lease(LEASE, holder, clock.now(), 0)
    return so_far()


async def _purge_one(found: ConnectionInFull | None, ports: Ports, *, dry_run: bool) -> _Gone:
    """Raises `SealBroken` or `Fault`."""
    for _ in range(_TRIES):
        if found is None:
            return _Gone()
        before, now = found.connection, ports.clock.now()
        allowed = ports.policy.keeps(before.registration, found.clients, found.agreed)
        kept = await open_attributes(before, found.data_key, ports.vault)
        staying = tuple(a for a in kept if a.name in allowed and not a.is_over(allowed[a.name], now))
        gone = tuple(a.name for a in kept if a not in staying)
        if not gone or await ports.store.held(before.user_id) is not None:
            return _Gone()
        beyond = without_permission(before, gone, ports)
        if dry_run:
            return _Gone(names=gone, tokens=bool(beyond))
        after = await reduced(found, staying, ports, now, ends="not_permitted" if beyond else "")
        event = AuditEvent(
            at=now,
            action="attributes.purge",
            outcome="done",
            reason=f"{len(gone)}:{','.join(gone)}",
            user_id=before.user_id,
            registration=before.registration,
            object_id=before.id,
        )
        try:
            await ports.store.write(
                RequireNotHeld(user_id=before.user_id),
                ReplaceConnection(connection=after.connection, expected_generation=before.generation),
                Record(event=event),
                *after.changes,
            )
        except Conflict:
            found = await ports.store.connection(before.id)  # somebody else wrote it meanwhile: look at what they wrote
        else:
            return _Gone(names=gone, tokens=after.ended)
    raise Fault("contention", "Somebody is signing in at this very moment. Please try again.")
