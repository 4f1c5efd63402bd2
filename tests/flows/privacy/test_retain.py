"""What nobody uses any more goes when the policy says so, and nothing else does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from broker.domain.changes import EndSession, PutHold, Record
from broker.domain.connection import ConnectionStatus
from broker.domain.errors import Fault
from broker.domain.hold import Hold
from broker.domain.ids import UserId
from broker.domain.ledger import AuditEvent
from broker.domain.outbox import RevocationResult
from broker.domain.retention import DAY
from broker.flows.connections.deliver import deliver_revocations
from broker.flows.ledger.chain import chain
from broker.flows.privacy.retain import AT_ONCE, LEASE, LEASE_SECONDS, Retained, retain
from broker.flows.sealed import keeping
from tests.flows.ledger.chains import Chained
from tests.flows.privacy.test_purge import add_connections
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, GRACE, NOW, POLICY
from tests.flows.world import World

pytestmark = pytest.mark.anyio

BOOKS = {"actions": ["redeem"], "days": 50, "ground": "a law"}
RULES: dict[str, Any] = {"sessions": 2, "idle_tokens": 40, "idle_users": 60, "ledger": 30, "by_law": {"books": BOOKS}}
UNLIMITED = {"sessions": 36500, "idle_tokens": "unlimited", "ledger": "unlimited"}


async def run(
    world: World,
    rules: dict[str, Any] = RULES,
    *,
    holder: str = "run_1",
    dry_run: bool = False,
    told: list[Retained] | None = None,
) -> Retained:
    """A process that knows these rules has go what is over."""

    async def pace(so_far: Retained) -> None:
        if told is not None:
            told.append(so_far)

    ports = world.with_policy(POLICY | {"retention": rules})
    return await retain(ports, holder=holder, dry_run=dry_run, pace=pace)


async def hold(world: World, user_id: UserId) -> None:
    await world.store.write(PutHold(hold=Hold(user_id=user_id, reference="2027/114", since=NOW)))


async def end_sessions(world: World) -> None:
    for one in list(world.store.tables.sessions.values()):
        await world.store.write(EndSession(session_id=one.id, user_id=one.user_id, at=world.clock.now()))


async def test_a_session_that_ended_goes_with_what_was_granted_in_it(world: World) -> None:
    """After the days, not before; one line says how many went."""
    await world.refreshable()
    await world.signed_in(GRACE)
    await end_sessions(world)
    sessions, grants = len(world.store.tables.sessions), len(world.store.tables.grants)
    world.clock.advance(2 * DAY - 1)
    assert await run(world) == Retained()
    world.clock.advance(1)
    world.forget()

    assert await run(world) == Retained(sessions=sessions, grants=grants)
    assert grants > 0
    assert world.event() == AuditEvent(
        at=NOW + 2 * DAY, action="sessions.forget", outcome="done", reason=f"{sessions}:{grants}"
    )
    assert not world.store.tables.sessions
    assert not world.store.tables.grants


async def test_a_session_that_nobody_ended_stays_as_long_as_a_refresh_token_may(world: World) -> None:
    """Its grant can be asked about until then."""
    await world.refreshable()
    world.clock.advance(32 * DAY - 1)
    assert (await run(world, RULES | {"ledger": "unlimited"})).sessions == 0
    world.clock.advance(1)

    assert (await run(world, RULES | {"ledger": "unlimited"})).sessions == len(await world.connections())


async def test_tokens_of_an_idle_connection_go_and_its_provider_is_told(world: World) -> None:
    """What else is kept of it stays. Nobody can have the tokens back, and whoever signs in again has new ones."""
    ada = await world.signed_in(ADA)
    kept, tokens = await world.kept(), await world.tokens()
    world.clock.advance(40 * DAY - 1)
    assert (await run(world, UNLIMITED | {"idle_tokens": 40})).tokens == 0
    world.clock.advance(1)
    world.forget()
    assert await run(world, UNLIMITED | {"idle_tokens": 40}) == Retained(tokens=1)

    found = await world.connection()
    assert (found.connection.status, found.connection.sealed_tokens) == (ConnectionStatus.NEEDS_REAUTH, None)
    assert found.connection.granted_scopes == frozenset()
    assert await world.kept() == kept
    assert world.event() == AuditEvent(
        at=NOW + 40 * DAY,
        action="tokens.forget",
        outcome="done",
        user_id=ada.user.id,
        registration=ADA.identity.registration,
        object_id=found.connection.id,
    )
    assert await deliver_revocations(world.ports) == 1
    assert tokens is not None
    assert not world.upstream.lives(tokens)
    (revocation,) = (await world.connection()).revocations
    assert (revocation.result, revocation.sealed_token) == (RevocationResult.REVOKED, None)
    await world.signed_in(ADA)
    assert (await world.connection()).connection.status is ConnectionStatus.ACTIVE
    assert await world.tokens() is not None


async def test_a_sign_in_at_the_same_moment_keeps_its_tokens(world: World) -> None:
    """The Connection is not idle any more."""
    await world.signed_in(ADA)
    world.clock.advance(40 * DAY)
    world.store.before("write", lambda: world.sign_in(ADA))

    assert (await run(world, UNLIMITED | {"idle_tokens": 40})).tokens == 0
    assert await world.tokens() is not None
    assert (await world.connection()).revocations == ()


async def test_somebody_who_signs_in_without_end_is_a_fault(world: World) -> None:
    """It is tried again later."""
    await world.signed_in(ADA)
    world.clock.advance(40 * DAY)

    found = (await world.connection()).connection
    world.store.tables.connections[found.id] = replace(found, sealed_attributes=None)

    async def write() -> None:
        before = await world.connection()
        bare = await keeping(before.connection, (), before.data_key, world.ports.vault)
        world.store.tables.connections[found.id] = replace(bare, sealed_attributes=None)

    world.store.always_before("write", write)
    with refusal(Fault, "contention"):
        await run(world, UNLIMITED | {"idle_tokens": 40})


async def test_what_does_not_open_is_named_and_left(world: World) -> None:
    """The others go all the same; its User has to sign in again."""
    await world.signed_in(ADA)
    await world.signed_in(GRACE)
    damaged = await world.damage(GRACE, sealed_attributes=b"\x01\x01damaged")
    world.clock.advance(40 * DAY)
    looked = await run(world, UNLIMITED | {"idle_tokens": 40}, dry_run=True)
    assert (looked.tokens, looked.unreadable) == (1, (damaged.id,))
    assert (await world.connection(GRACE)).connection == damaged
    done = await run(world, UNLIMITED | {"idle_tokens": 40})

    assert (done.tokens, done.unreadable) == (1, (damaged.id,))
    assert (await world.connection(GRACE)).connection == replace(damaged, status=ConnectionStatus.NEEDS_REAUTH)


async def test_tokens_that_do_not_open_are_named_and_left(world: World) -> None:
    """Nobody could tell the Provider; what was moved may be put back, and goes then."""
    await world.signed_in(ADA)
    damaged = await world.damage(sealed_tokens=b"\x01\x01damaged")
    world.clock.advance(40 * DAY)
    looked = await run(world, UNLIMITED | {"idle_tokens": 40}, dry_run=True)
    assert (await world.connection()).connection == damaged
    done = await run(world, UNLIMITED | {"idle_tokens": 40})

    assert (looked.tokens, done.tokens, done.unreadable) == (1, 0, (damaged.id,))
    assert (await world.connection()).connection == replace(damaged, status=ConnectionStatus.NEEDS_REAUTH)


async def old_events(world: World, *actions: str, user_id: UserId | None = None) -> None:
    for action in actions:
        event = AuditEvent(at=world.clock.now(), action=action, outcome="done", user_id=user_id)
        await world.store.write(Record(event=event))
    await chain(world.store, world.clock, holder="run_1")


def left(world: World) -> list[str]:
    return [event.action for event in world.store.tables.ledger.values()]


async def test_events_go_by_their_class_and_the_chain_still_verifies(world: World) -> None:
    """What a law wants kept stays longer, and goes in the end; what marks the chain stays."""
    world.store.tables.ledger.clear()
    await old_events(world, "refresh", "redeem", "policy.in_force", "refresh")
    world.clock.advance(30 * DAY - 1)
    await old_events(world, "userinfo")
    assert (await run(world)).events == 0
    world.clock.advance(1)

    assert (await run(world, dry_run=True)).events == 2
    assert (await run(world)).events == 2
    assert left(world) == ["redeem", "policy.in_force", "userinfo", "ledger.prune"]
    world.clock.advance(20 * DAY)
    assert (await run(world, dry_run=True)).events == 1
    assert (await run(world)).events == 1
    assert left(world) == ["policy.in_force", "userinfo", "ledger.prune", "ledger.prune"]
    chained = Chained(world=world)
    await chained.chain()
    assert (await chained.verify()).problems == ()


async def test_an_event_that_is_not_chained_yet_waits(world: World) -> None:
    """What is gone must have been in the chain."""
    world.store.tables.ledger.clear()
    await world.store.write(Record(event=AuditEvent(at=NOW, action="refresh", outcome="done")))
    world.clock.advance(99 * DAY)

    assert (await run(world)).events == 0
    await chain(world.store, world.clock, holder="run_1")
    assert (await run(world)).events == 1


async def test_whoever_is_held_loses_nothing(world: World) -> None:
    """Neither Sessions, tokens nor events, nor by forgetting what expired; nor is anybody idle until it is lifted."""
    await world.refreshable()
    ada = (await world.known(ADA)).user.id  # type: ignore[union-attr]
    await world.signed_in(GRACE)
    await end_sessions(world)
    await chain(world.store, world.clock, holder="run_1")
    await hold(world, ada)
    tables = world.store.tables
    mine = [e for e in tables.ledger.values() if e.user_id == ada]
    sessions = {s.id for s in tables.sessions.values() if s.user_id == ada}
    grants, tokens = set(tables.grants), await world.tokens()
    world.clock.advance(100 * DAY)
    done = await run(world)
    await world.store.forget_expired(world.clock.now())

    assert (done.sessions, done.grants, done.tokens, done.idle_users) == (1, 0, 1, 1)
    assert [e for e in world.store.tables.ledger.values() if e.user_id == ada] == mine
    assert (set(world.store.tables.sessions), set(world.store.tables.grants)) == (sessions, grants)
    assert await world.tokens() == tokens
    world.store.tables.holds.clear()
    after = await run(world)
    assert (after.sessions, after.grants, after.tokens, after.idle_users) == (len(sessions), len(grants), 1, 2)


async def test_whoever_is_held_in_the_very_moment_loses_nothing(world: World) -> None:
    """The write itself looks."""
    ada = await world.signed_in(ADA)
    world.clock.advance(40 * DAY)
    world.store.before("write", lambda: hold(world, ada.user.id))

    assert (await run(world, UNLIMITED | {"idle_tokens": 40})).tokens == 0
    assert await world.tokens() is not None


async def test_idle_users_are_counted_and_stay(world: World) -> None:
    """They are for another to erase."""
    await world.signed_in(ADA)
    world.clock.advance(60 * DAY)
    await world.signed_in(GRACE)

    assert (await run(world)).idle_users == 1
    assert len(world.store.tables.users) == 2


async def test_without_an_end_nothing_goes(world: World) -> None:
    """However long nobody came."""
    await world.refreshable()
    await chain(world.store, world.clock, holder="run_1")
    world.clock.advance(9999 * DAY)
    world.forget()

    assert await run(world, UNLIMITED) == Retained()
    assert world.written == []


async def crowd(world: World, number: int) -> None:
    """So many, all of them over."""
    await add_connections(world, number)
    await old_events(world, *["refresh"] * number)
    world.clock.advance(100 * DAY)
    world.forget()


async def test_a_dry_run_tells_what_a_run_does(world: World) -> None:
    """In batches; and it writes nothing, not even the lease that another process may hold."""
    await world.refreshable()
    await crowd(world, AT_ONCE + 2)
    await world.store.take_lease(LEASE, "run_2", world.clock.now(), LEASE_SECONDS)
    leases, told = dict(world.store.tables.leases), list[Retained]()
    would = await run(world, dry_run=True)
    assert (world.written, world.store.tables.leases) == ([], leases)
    world.clock.advance(LEASE_SECONDS)

    assert await run(world, told=told) == would
    assert would.tokens == would.idle_users == AT_ONCE + 3
    assert would.events > AT_ONCE
    assert [so_far.tokens for so_far in told if so_far.tokens][:2] == [AT_ONCE, AT_ONCE + 3]
    assert (await run(world)).removed == 0


async def test_only_one_process_is_at_it(world: World) -> None:
    """The other one learns that it is not; afterwards anybody may."""
    await crowd(world, 2)
    await world.store.take_lease(LEASE, "run_2", world.clock.now(), LEASE_SECONDS)

    assert await run(world) == Retained(is_ours=False)
    assert world.written == []
    world.clock.advance(LEASE_SECONDS)
    assert (await run(world)).tokens == 2
    assert (await run(world, holder="run_3")).is_ours


@pytest.mark.parametrize("step", range(8))
async def test_a_run_that_stops_at_any_write_is_carried_on(world: World, step: int) -> None:
    """To the same end, and nothing is told twice."""
    await world.refreshable()
    await crowd(world, 3)
    would = await run(world, dry_run=True)

    async def nothing() -> None:
        return

    for _ in range(step):
        world.store.before("write", nothing)
    world.store.stop_before("write")
    try:
        await run(world)
    except Fault:
        world.store.down = False
    world.clock.advance(LEASE_SECONDS)
    await run(world)

    assert not world.store.tables.sessions
    assert len(world.store.tables.pending_revocations) == would.tokens
    assert (await run(world, dry_run=True)).removed == 0
