"""Owns what runs by the clock beside the requests. Refuses to end because one run failed: the next one tries again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import structlog

from broker.crypto.current_keys import CurrentKeys
from broker.crypto.signing_keys import generate_signing_key
from broker.domain import signing_key
from broker.domain.errors import BrokerError, Refusal
from broker.domain.ids import ApplicationId
from broker.domain.logout import LogoutResult
from broker.flows.connections.deliver import deliver_revocations
from broker.flows.keys.rewrap import Rewrapped, rewrap
from broker.flows.keys.rotate import rotate
from broker.flows.ledger.chain import chain
from broker.flows.ledger.sign_head import sign_head
from broker.flows.ports import Applications, Ports
from broker.flows.privacy.erase import erase
from broker.flows.privacy.purge import Purged, purge
from broker.flows.privacy.retain import Retained, retain
from broker.flows.sessions.deliver import deliver_logouts
from broker.flows.signing_key import KeyTools
from broker.web.measure import Measures

DELIVER_EVERY = 2.0
TELL_EVERY = 1.0
ERASE_EVERY = 10.0
CHAIN_EVERY = 1.0
SIGN_EVERY = 60.0
FORGET_EVERY = 300.0
PURGE_EVERY = 60.0
RELOAD_KEYS_EVERY = float(signing_key.RELOAD_EVERY)
REWRAP_EVERY = 60.0
ROTATE_EVERY = 60.0
"""Seconds between two runs of what runs by the clock."""
REWRAP_RATE = 1000
"""Data keys a second, at most, that are moved to another KEK beside the daily work."""
PURGE_AGAIN = 6 * 3600
"""Seconds until all is looked at again: an older process may have kept more, or a Client have left a User."""
ERASE_AT_ONCE = 100
"""Users in one run."""
PURGE_RATE = 500
"""Connections a second, at most, that are looked at beside the daily work; and of what retention has go, as many."""

_log = structlog.get_logger("broker")


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """`run` tells how much it has done; `every` is in seconds."""

    name: str
    every: float
    run: Callable[[], Awaitable[int]]


def jobs_of(
    ports: Ports,
    applications: Applications,
    measures: Measures,
    current_keys: CurrentKeys,
    *,
    algorithm: str,
    key_age: int,
) -> tuple[Job, ...]:
    """Everything that one broker process does by the clock. `key_age` in seconds: then a signing key is replaced."""
    holder = ports.secrets.new_id("run")
    tools = KeyTools(store=ports.store, vault=ports.vault, clock=ports.clock, generate=generate_signing_key)
    return (
        Job(name="deliver_revocations", every=DELIVER_EVERY, run=lambda: deliver_revocations(ports)),
        Job(name="deliver_logouts", every=TELL_EVERY, run=lambda: _tell_of_logouts(ports, applications, measures)),
        Job(name="erase", every=ERASE_EVERY, run=lambda: erase_due(ports)),
        Job(name="forget_expired", every=FORGET_EVERY, run=lambda: ports.store.forget_expired(ports.clock.now())),
        Job(name="chain_ledger", every=CHAIN_EVERY, run=lambda: _chain(ports, holder)),
        Job(name="sign_ledger_head", every=SIGN_EVERY, run=lambda: _sign_head(ports)),
        Job(name="rewrap", every=REWRAP_EVERY, run=lambda: _rewrap(ports, measures, holder)),
        Job(name="purge", every=PURGE_EVERY, run=_purging(ports, measures, holder)),
        Job(name="retention", every=PURGE_EVERY, run=_retaining(ports, measures, holder)),
        Job(name="reload_signing_keys", every=RELOAD_KEYS_EVERY, run=current_keys.reload),
        Job(
            name="rotate_signing_keys",
            every=ROTATE_EVERY,
            run=lambda: rotate(tools, algorithm=algorithm, age=key_age, holder=holder),
        ),
    )


@contextlib.asynccontextmanager
async def by_the_clock(*jobs: Job) -> AsyncIterator[None]:
    """Run all of `jobs`, each at once and then again and again."""
    running = [asyncio.create_task(_every(job)) for job in jobs]
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _tell_of_logouts(ports: Ports, applications: Applications, measures: Measures) -> int:
    """Without end: whoever has to be told is told beside the others, so one that is slow keeps only itself waiting."""
    busy: set[ApplicationId] = set()

    async def tell(application_id: ApplicationId) -> None:
        try:
            results = await deliver_logouts(application_id, applications, ports)
        except BrokerError as error:
            _failed("deliver_logouts", error)
            return
        finally:
            busy.discard(application_id)
        for result in results:
            measures.told_of_logouts(result)
        if failed := results.count(LogoutResult.PENDING):
            _log.warning("application does not answer", application_id=application_id, logouts=failed)

    async with asyncio.TaskGroup() as beside:
        while True:
            try:
                due = await ports.store.applications_to_tell(ports.clock.now())
            except BrokerError as error:  # those who are just being told must not be cut short
                _failed("deliver_logouts", error)
                due = ()
            for application_id in set(due) - busy:
                busy.add(application_id)
                beside.create_task(tell(application_id))
            await asyncio.sleep(TELL_EVERY)


async def erase_due(ports: Ports) -> int:
    """Erase whose time for second thoughts is over, who has been away too long, and whom a back-up has brought back."""
    store, now = ports.store, ports.clock.now()
    again, due = await store.resurrected(ERASE_AT_ONCE), await store.due_erasures(now, ERASE_AT_ONCE)
    idle_since = ports.policy.retention.users_over(now)
    idle = () if idle_since is None else await store.idle_users(idle_since, "", ERASE_AT_ONCE)
    for user_id in (*again, *due, *idle):
        with contextlib.suppress(Refusal):  # another process was first, or the User is held by now
            await erase(user_id, ports)
    if again:
        _log.warning("erased again", users=len(again), first=again[0])
    return len(again) + len(due) + len(idle)


async def _chain(ports: Ports, holder: str) -> int:
    """Nothing is told of it: it happens all the time."""
    await chain(ports.store, ports.clock, holder=holder)
    return 0


async def _sign_head(ports: Ports) -> int:
    """What was signed goes into the log, which is kept elsewhere: whoever changes the past cannot take it back."""
    head = await sign_head(ports)
    if head is not None:
        _log.info("ledger head", position=head.position, signed=head.signed)
    return 0


async def _rewrap(ports: Ports, measures: Measures, holder: str) -> int:
    """Carry on a rotation of the KEK; how many data keys were moved."""
    before = 0

    async def pace(so_far: Rewrapped) -> None:
        nonlocal before
        measures.rewrapped(so_far.moved - before, so_far.left)
        done, before = so_far.moved - before, so_far.moved
        await asyncio.sleep(done / REWRAP_RATE)

    done = await rewrap(ports.store, ports.vault, ports.clock, holder=holder, asked=False, pace=pace)
    measures.rewrapped(0, done.left)
    if done.unreadable:
        _log.warning("rewrap", unreadable=len(done.unreadable), first=done.unreadable[0])
    return done.moved


def _purging(ports: Ports, measures: Measures, holder: str) -> Callable[[], Awaitable[int]]:
    """Drops what the policy does not allow any more, soon after the start and then seldom; until it is done, often."""
    due = 0

    async def run() -> int:
        nonlocal due
        if ports.clock.now() < due:
            return 0
        before = Purged(looked_at=0, connections=0, dropped={}, unreadable=())

        async def pace(so_far: Purged) -> None:
            nonlocal before
            looked_at = so_far.looked_at - before.looked_at
            measures.purged(so_far.attributes - before.attributes, so_far.tokens - before.tokens)
            before = so_far
            await asyncio.sleep(looked_at / PURGE_RATE)

        done = await purge(ports, holder=holder, dry_run=False, pace=pace)
        if done.is_ours:
            due = ports.clock.now() + PURGE_AGAIN
        if done.unreadable:
            _log.warning("purge", unreadable=len(done.unreadable), first=done.unreadable[0])
        return done.attributes

    return run


def _retaining(ports: Ports, measures: Measures, holder: str) -> Callable[[], Awaitable[int]]:
    """Has go what is over, soon after the start and then seldom; until it is done, often."""
    due = 0

    async def run() -> int:
        nonlocal due
        if ports.clock.now() < due:
            return 0
        before = Retained()

        async def pace(so_far: Retained) -> None:
            nonlocal before
            for kind in ("sessions", "grants", "tokens", "events"):
                measures.removed(kind, getattr(so_far, kind) - getattr(before, kind))
            removed, before = so_far.removed - before.removed, so_far
            await asyncio.sleep(removed / PURGE_RATE)

        done = await retain(ports, holder=holder, dry_run=False, pace=pace)
        if done.is_ours:
            due = ports.clock.now() + PURGE_AGAIN
        if done.unreadable:
            _log.warning("retention", unreadable=len(done.unreadable), first=done.unreadable[0])
        return done.removed

    return run


async def _every(job: Job) -> None:
    """A failure is logged, and the next run tries again."""
    while True:
        try:
            done = await job.run()
            if done:
                _log.info("job", name=job.name, done=done)
        except BrokerError as error:
            _failed(job.name, error)
        await asyncio.sleep(job.every)


def _failed(name: str, error: BrokerError) -> None:
    _log.warning("job failed", name=name, reason=error.code, detail=error.detail)
