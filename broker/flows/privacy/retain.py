"""Owns having go what nobody uses any more, when the policy says so, class by class and bit by bit.

Where it stands is in the rows themselves: whoever is stopped, at whatever point, is carried on from there by anybody.
Refuses to touch anything of whoever is held, to overwrite what a sign-in has written meanwhile, and to run twice at
once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from broker.domain.changes import (
    Change,
    PruneLedger,
    Record,
    RemoveGrantsOfSessions,
    RemoveSessions,
    ReplaceConnection,
    RequireNotHeld,
)
from broker.domain.connection import Connection
from broker.domain.errors import Conflict, Fault, SealBroken
from broker.domain.ids import ConnectionId
from broker.domain.ledger import AuditEvent
from broker.domain.ledger_chain import pruning
from broker.domain.retention import DAY, LedgerClass
from broker.flows.broken_seal import mark
from broker.flows.found import ConnectionInFull
from broker.flows.ports import Ports
from broker.flows.reduced import without_tokens
from broker.flows.sealed import open_attributes

AT_ONCE = 100
"""Rows in one read. Connections are written one by one, so that each write meets as few others as can be."""
LEASE = "retention"
LEASE_SECONDS = 60
_TRIES = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Retained:
    """How far a run has come: what went, or would go.

    `grants` went with their `sessions`. `tokens`: Connections whose Provider's tokens went. `events` of the ledger.
    `idle_users` are to be erased, which this does not do. `unreadable` do not open, and were left as they are.
    `is_ours` is False where another process holds the lease: it does the work.
    """

    sessions: int = 0
    grants: int = 0
    tokens: int = 0
    events: int = 0
    idle_users: int = 0
    unreadable: tuple[ConnectionId, ...] = ()
    is_ours: bool = True

    @property
    def removed(self) -> int:
        """How much went, whatever it was."""
        return self.sessions + self.grants + self.tokens + self.events


Pace = Callable[[Retained], Awaitable[None]]
"""Is told after each batch, and comes back when the next one may begin."""


@dataclass(kw_only=True, slots=True)
class _Run:
    ports: Ports
    now: int
    holder: str
    dry_run: bool
    pace: Pace
    done: Retained

    async def may_go_on(self) -> bool:
        """Whether the lease is ours; a dry run needs none."""
        if self.dry_run:
            return True
        self.done = replace(
            self.done,
            is_ours=await self.ports.store.take_lease(LEASE, self.holder, self.ports.clock.now(), LEASE_SECONDS),
        )
        return self.done.is_ours

    async def write(self, *changes: Change) -> None:
        """Unless it is a dry run."""
        if not self.dry_run:
            await self.ports.store.write(*changes)

    async def told(self, done: Retained) -> None:
        """Note how far it is, and wait for one's turn."""
        self.done = done
        await self.pace(done)


async def retain(ports: Ports, *, holder: str, dry_run: bool, pace: Pace) -> Retained:
    """Have go what is over by the policy in force. `holder` names this process. Raises `Fault`.

    A `dry_run` writes nothing, and counts.
    """
    run = _Run(ports=ports, now=ports.clock.now(), holder=holder, dry_run=dry_run, pace=pace, done=Retained())
    await _sessions(run)
    await _tokens(run)
    for one in ports.policy.retention.ledger_classes():
        await _events(run, one)
    await _idle_users(run)
    if run.done.is_ours and not dry_run:
        await ports.store.take_lease(LEASE, holder, ports.clock.now(), 0)
    return run.done


async def _sessions(run: _Run) -> None:
    ended, began = run.ports.policy.retention.sessions_over(run.now)
    after = ""
    while await run.may_go_on():
        over = await run.ports.store.sessions_over(ended, began, after, AT_ONCE)
        if not over:
            return
        ids, grants = frozenset(one.id for one in over), sum(one.grants for one in over)
        event = AuditEvent(at=run.now, action="sessions.forget", outcome="done", reason=f"{len(ids)}:{grants}")
        await run.write(RemoveGrantsOfSessions(session_ids=ids), RemoveSessions(session_ids=ids), Record(event=event))
        after = over[-1].id
        await run.told(
            replace(run.done, sessions=run.done.sessions + len(ids), grants=run.done.grants + grants),
        )


async def _tokens(run: _Run) -> None:
    before = run.ports.policy.retention.tokens_over(run.now)
    after = ""
    while before is not None and await run.may_go_on():
        idle = await run.ports.store.idle_connections(before, after, AT_ONCE)
        if not idle:
            return
        tokens, unreadable = run.done.tokens, run.done.unreadable
        for found in idle:
            try:
                tokens += await _destroy(found, before, run)
            except SealBroken:
                unreadable += (found.connection.id,)
                if not run.dry_run:
                    await mark(found.connection, run.ports.store, run.ports.clock)
        after = idle[-1].connection.id
        await run.told(replace(run.done, tokens=tokens, unreadable=unreadable))


async def _destroy(found: ConnectionInFull | None, before: int, run: _Run) -> bool:
    """Whether the tokens of this Connection went, or would go. Raises `SealBroken` or `Fault`."""
    for _ in range(_TRIES):
        if found is None or not _is_idle(found.connection, before):
            return False
        store, connection = run.ports.store, found.connection
        kept = await open_attributes(connection, found.data_key, run.ports.vault)
        if run.dry_run:
            return True
        bare = await without_tokens(found, kept, run.ports, run.now)
        replaced = ReplaceConnection(connection=bare.connection, expected_generation=connection.generation)
        try:
            await store.write(RequireNotHeld(user_id=connection.user_id), replaced, *bare.changes)
        except Conflict:  # somebody has signed in meanwhile, or is held by now
            if await store.held(connection.user_id) is not None:
                return False
            found = await store.connection(connection.id)
        else:
            return True
    raise Fault("contention", "Somebody is signing in at this very moment. Please try again.")


def _is_idle(connection: Connection, before: int) -> bool:
    return connection.sealed_tokens is not None and connection.last_used_at <= before


async def _events(run: _Run, one: LedgerClass) -> None:
    before, after = run.now - one.days * DAY, 0
    while await run.may_go_on():
        over = await run.ports.store.events_over(before, one.actions, after, AT_ONCE, others=one.others)
        if not over:
            return
        gone = PruneLedger(first=over[0], last=over[-1], before=before, actions=one.actions, others=one.others)
        await run.write(gone, Record(event=pruning(over[-1], run.now)))
        after = over[-1]
        await run.told(replace(run.done, events=run.done.events + len(over)))


async def _idle_users(run: _Run) -> None:
    before = run.ports.policy.retention.users_over(run.now)
    after = ""
    while before is not None and await run.may_go_on():
        idle = await run.ports.store.idle_users(before, after, AT_ONCE)
        if not idle:
            return
        after = idle[-1]
        await run.told(replace(run.done, idle_users=run.done.idle_users + len(idle)))
