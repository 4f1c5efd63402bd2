"""The outbox: Providers are told of revocations until they know."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.domain.changes import RetryRevocation
from broker.domain.errors import Fault
from broker.domain.ids import RegistrationId
from broker.domain.ledger import AuditEvent
from broker.domain.outbox import FIRST_RETRY, GIVE_UP_AFTER, LONGEST_WAIT, PendingRevocation, RevocationResult
from broker.flows.connections.deliver import deliver_revocations
from broker.flows.connections.revoke import revoke
from broker.flows.keys.rekey import rekey
from tests.fakes.upstream import Person
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, GOOGLE, GRACE, NOW
from tests.flows.world import World

pytestmark = pytest.mark.anyio


async def disconnected(world: World, person: Person = ADA) -> PendingRevocation:
    """Somebody has revoked their Connection; what their Provider is yet to be told."""
    await world.sign_in(person)
    found = (await world.connection(person)).connection
    pending = (await revoke(found.id, found.user_id, world.ports, request_id="req-revoke")).pending
    assert pending is not None
    world.forget()
    return pending


def stored(world: World, pending: PendingRevocation) -> PendingRevocation:
    """As it is now."""
    return world.store.tables.pending_revocations[pending.id]


async def test_a_provider_is_told_once(world: World) -> None:
    """With the very tokens, which are destroyed then; the ledger has one line, and the second run nothing to do."""
    pending = await disconnected(world)

    assert await deliver_revocations(world.ports) == 1
    assert world.upstream.revocations == [(GOOGLE, world.upstream.issued[0])]
    assert not world.upstream.lives(world.upstream.issued[0])
    after = stored(world, pending)
    assert (after.result, after.sealed_token, after.tries) == (RevocationResult.REVOKED, None, 1)
    assert world.event() == AuditEvent(
        at=NOW,
        action="connection.revoke_upstream",
        outcome="done",
        reason="revoked",
        user_id=pending.user_id,
        registration=GOOGLE,
        object_id=pending.connection_id,
    )
    assert await deliver_revocations(world.ports) == 0
    assert len(world.upstream.revocations) == 1


async def test_nothing_to_tell_is_nothing_done(world: World) -> None:
    """Nor written."""
    assert await deliver_revocations(world.ports) == 0
    assert world.written == []


async def test_a_token_that_was_dead_already_is_settled(world: World) -> None:
    """The User had ended it at the Provider too."""
    pending = await disconnected(world)
    await world.upstream.revoke(GOOGLE, world.upstream.issued[0])

    assert await deliver_revocations(world.ports) == 1
    assert stored(world, pending).result is RevocationResult.ALREADY_DEAD
    assert (world.event().outcome, world.event().reason) == ("done", "already_dead")


async def test_a_provider_that_is_away_is_told_later_and_later(world: World) -> None:
    """5, 10, 20 seconds, at most an hour; nothing is destroyed, and the ledger says nothing of tries."""
    pending = await disconnected(world)
    world.upstream.down = True
    waits = []
    for _ in range(12):
        assert await deliver_revocations(world.ports) == 0
        waits.append(stored(world, pending).next_try_at - world.clock.now())
        world.clock.advance(waits[-1] - 1)
        assert await deliver_revocations(world.ports) == 0
        world.clock.advance(1)

    assert waits[:3] == [FIRST_RETRY, 2 * FIRST_RETRY, 4 * FIRST_RETRY]
    assert max(waits) == waits[-1] == LONGEST_WAIT
    assert len(world.upstream.revocations) == 12
    assert stored(world, pending).sealed_token is not None
    assert world.events() == []
    world.upstream.down = False
    assert await deliver_revocations(world.ports) == 1
    assert stored(world, pending).result is RevocationResult.REVOKED


async def test_a_provider_that_stays_away_is_given_up(world: World) -> None:
    """After a week, with a last try; the token is destroyed, and the ledger says that it failed."""
    pending = await disconnected(world)
    world.upstream.down = True
    world.clock.advance(GIVE_UP_AFTER - 1)
    assert await deliver_revocations(world.ports) == 0
    world.clock.advance(LONGEST_WAIT)

    assert await deliver_revocations(world.ports) == 1
    assert len(world.upstream.revocations) == 2
    after = stored(world, pending)
    assert (after.result, after.sealed_token) == (RevocationResult.GIVEN_UP, None)
    assert (world.event().outcome, world.event().reason) == ("failed", "given_up")


@pytest.mark.parametrize(("later", "given_up"), [(GIVE_UP_AFTER - 1, False), (GIVE_UP_AFTER, True)])
async def test_a_week_is_a_week(world: World, later: int, given_up: bool) -> None:
    """Whoever was not asked once in all that time is given up after one try."""
    pending = await disconnected(world)
    world.upstream.down = True
    world.clock.advance(later)

    assert await deliver_revocations(world.ports) == int(given_up)
    assert (stored(world, pending).result is RevocationResult.GIVEN_UP) is given_up


async def test_a_provider_that_comes_back_at_the_last_moment_is_told(world: World) -> None:
    """The last try counts."""
    pending = await disconnected(world)
    world.clock.advance(GIVE_UP_AFTER)

    assert await deliver_revocations(world.ports) == 1
    assert stored(world, pending).result is RevocationResult.REVOKED


async def test_a_registration_that_was_removed_cannot_be_told(world: World) -> None:
    """Its credentials are gone."""
    pending = await disconnected(world)
    del world.upstream.facts[GOOGLE]

    assert await deliver_revocations(world.ports) == 1
    assert stored(world, pending).result is RevocationResult.UNSUPPORTED
    assert world.upstream.revocations == []
    assert (world.event().outcome, world.event().reason) == ("done", "unsupported")


@pytest.mark.parametrize("why", ["no key", "no token", "does not open", "of another place"])
async def test_what_nobody_can_read_is_given_up(world: World, why: str) -> None:
    """The User was erased meanwhile, or the row is damaged or was moved."""
    pending = await disconnected(world)
    rows = world.store.tables.pending_revocations
    if why == "no key":
        world.store.tables.data_keys.clear()
    elif why == "no token":
        rows[pending.id] = replace(pending, sealed_token=None)
    elif why == "does not open":
        rows[pending.id] = replace(pending, sealed_token=b"\x01\x01damaged")
    else:
        rows[pending.id] = replace(pending, registration=RegistrationId("corp"))

    assert await deliver_revocations(world.ports) == 1
    assert world.upstream.revocations == []
    assert stored(world, pending).result is RevocationResult.GIVEN_UP
    reason = "given_up" if why in ("no key", "no token") else "seal_broken"
    assert (world.event().outcome, world.event().reason) == ("failed", reason)


async def test_a_revocation_that_another_process_claimed_is_left_to_it(world: World) -> None:
    """Were both to tell the Provider, one would read "already dead" for our own doing; the next one is told."""
    pending, other = await disconnected(world), await disconnected(world, GRACE)
    claim = RetryRevocation(id=min(pending.id, other.id), expected_tries=0, next_try_at=NOW + FIRST_RETRY)
    world.store.before("write", lambda: world.store.write(claim))

    assert await deliver_revocations(world.ports) == 1
    assert len(world.upstream.revocations) == 1


async def test_two_processes_at_once_tell_the_provider_once(world: World) -> None:
    """The ledger says so once."""
    await disconnected(world)
    settled: list[int] = []

    async def rival() -> None:
        settled.append(await deliver_revocations(world.ports))

    world.store.before("write", rival)
    settled.append(await deliver_revocations(world.ports))
    assert settled == [1, 0]
    assert len(world.upstream.revocations) == 1
    assert world.event().reason == "revoked"


async def test_an_account_that_was_connected_again_is_not_ended(world: World) -> None:
    """One of the old tokens would end the whole grant, and what the User has just allowed anew with it."""
    pending = await disconnected(world)
    world.upstream.down = True
    await deliver_revocations(world.ports)
    world.upstream.down = False
    await world.sign_in(ADA)
    world.forget()
    world.clock.advance(FIRST_RETRY)

    assert await deliver_revocations(world.ports) == 1
    assert world.upstream.lives(world.upstream.issued[1])
    after = stored(world, pending)
    assert (after.result, after.sealed_token) == (RevocationResult.GIVEN_UP, None)
    assert (world.event().outcome, world.event().reason) == ("failed", "connected_again")


async def test_an_account_that_was_disconnected_again_is_ended(world: World) -> None:
    """Each revocation is told, as nothing lives any more that could be hurt."""
    first = await disconnected(world)
    second = await disconnected(world)

    assert await deliver_revocations(world.ports) == 2
    assert {stored(world, p).result for p in (first, second)} == {
        RevocationResult.REVOKED,
        RevocationResult.ALREADY_DEAD,
    }


async def test_a_connection_that_is_gone_is_ended_all_the_same(world: World) -> None:
    """What is to be told does not depend on it."""
    pending = await disconnected(world)
    world.store.tables.connections.clear()

    assert await deliver_revocations(world.ports) == 1
    assert stored(world, pending).result is RevocationResult.REVOKED


@pytest.mark.parametrize("step", ["write", "connection"])
async def test_a_new_data_key_in_between_loses_no_token(world: World, step: str) -> None:
    """What was read as due is sealed under the old key by then; what is opened is read anew, with its key."""
    pending = await disconnected(world)
    world.store.before(step, lambda: rekey(pending.user_id, world.store, world.ports.vault, world.clock))

    assert await deliver_revocations(world.ports) == 1
    assert stored(world, pending).result is RevocationResult.REVOKED
    assert not world.upstream.lives(world.upstream.issued[0])


@pytest.mark.parametrize("tells", [0, 1])
async def test_a_store_that_goes_away_is_a_fault_and_nothing_is_lost(world: World, tells: int) -> None:
    """Before the claim nobody was told; after the Provider was told it is told once more, which does no harm."""
    pending = await disconnected(world)
    if tells:

        async def claimed() -> None:
            world.store.stop_before("write")

        world.store.before("connection", claimed)
    else:
        world.store.stop_before("write")
    with refusal(Fault, "storage_unavailable"):
        await deliver_revocations(world.ports)
    assert len(world.upstream.revocations) == tells
    assert stored(world, pending).sealed_token is not None
    world.store.down = False
    world.clock.advance(FIRST_RETRY)

    assert await deliver_revocations(world.ports) == 1
    expected = RevocationResult.ALREADY_DEAD if tells else RevocationResult.REVOKED
    assert stored(world, pending).result is expected
