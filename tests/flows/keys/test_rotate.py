"""Signing keys are replaced by the clock, by one process of many, and everything that happens is in the ledger."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.crypto.signing_keys import load_signing_keys
from broker.domain.changes import PromoteSigningKey, PutApplication
from broker.domain.errors import Fault
from broker.domain.sealing import SYSTEM_OWNER
from broker.domain.signing_key import AHEAD, DRAIN, WINDOW, KeyState
from broker.flows.keys.rotate import LEASE, LEASE_SECONDS
from tests.flows.keys.desk import NEARLY, Desk
from tests.flows.refusals import refusal
from tests.flows.setting import NOW
from tests.storage.world import application

pytestmark = pytest.mark.anyio

PENDING, ACTIVE, RETIRING = KeyState.PENDING, KeyState.ACTIVE, KeyState.RETIRING


@pytest.fixture
async def desk() -> Desk:
    """One key signs, since now."""
    desk = Desk()
    assert await desk.rotate() == 1
    return desk


async def test_the_first_run_makes_what_is_missing(desk: Desk) -> None:
    """One key, which signs, with its data key; it opens."""
    (key,) = desk.every()
    data_key = await desk.store.data_key(SYSTEM_OWNER)

    assert (key.alg, key.state, key.created_at, key.activated_at) == ("ES256", ACTIVE, NOW, NOW)
    assert data_key is not None
    assert await load_signing_keys([key], data_key, desk.tools.vault)
    assert desk.told() == [("signing_key.add", key.kid)]


async def test_while_nothing_is_due_nothing_is_written(desk: Desk) -> None:
    """Not even the lease."""
    desk.store.writes.clear()
    desk.store.received.clear()
    desk.clock.advance(NEARLY - 1)

    assert await desk.rotate() == 0
    assert desk.store.writes == []
    assert {name for name, *_ in desk.store.received} == {"signing_keys", "signing_algorithms"}


async def test_a_key_goes_through_its_states_by_the_clock(desk: Desk) -> None:
    """The next one is made ahead, takes over in time, and the old one goes when nobody needs it."""
    desk.clock.advance(NEARLY)
    assert await desk.rotate() == 1
    assert desk.states() == [ACTIVE, PENDING]

    desk.clock.advance(AHEAD - 1)
    assert await desk.rotate() == 0
    desk.clock.advance(1)
    assert await desk.rotate() == 1
    assert desk.states() == [RETIRING, ACTIVE]

    old, new = desk.every()
    desk.clock.advance(DRAIN - 1)
    assert await desk.rotate() == 0
    desk.clock.advance(1)
    assert await desk.rotate() == 1
    assert desk.every() == [new]
    assert desk.told() == [
        ("signing_key.add", old.kid),
        ("signing_key.add", new.kid),
        ("signing_key.retire", old.kid),
        ("signing_key.promote", new.kid),
        ("signing_key.remove", old.kid),
    ]


async def test_all_that_is_due_is_done_in_one_run(desk: Desk) -> None:
    """As after a long time in which no process ran."""
    desk.clock.advance(NEARLY)
    await desk.rotate()
    desk.clock.advance(AHEAD)
    await desk.rotate()
    desk.clock.advance(2 * NEARLY)

    assert await desk.rotate() == 2
    assert desk.states() == [ACTIVE, PENDING]


async def test_the_algorithm_of_an_application_gets_a_key_that_waits_first(desk: Desk) -> None:
    """Published for as long as any other before it signs."""
    chosen = replace(application("reports"), signing_algorithm="EdDSA")
    await desk.store.write(PutApplication(application=chosen))

    assert await desk.rotate() == 1
    assert [(key.alg, key.state) for key in desk.every()] == [("ES256", ACTIVE), ("EdDSA", PENDING)]
    desk.clock.advance(WINDOW)
    assert await desk.rotate() == 1
    assert desk.states() == [ACTIVE, ACTIVE]


async def test_a_default_that_was_changed_takes_effect_when_its_key_may_sign(desk: Desk) -> None:
    """The old key stays for an operator to retire."""
    assert await desk.rotate(algorithm="EdDSA") == 1
    assert desk.states() == [ACTIVE, PENDING]
    desk.clock.advance(WINDOW)
    assert await desk.rotate(algorithm="EdDSA") == 1
    assert desk.states() == [ACTIVE, ACTIVE]


async def test_another_process_does_the_work(desk: Desk) -> None:
    """While it holds the lease; when it is gone somebody else carries on."""
    desk.clock.advance(NEARLY)
    assert await desk.store.take_lease(LEASE, "run_2", desk.clock.now(), LEASE_SECONDS)

    assert await desk.rotate() == 0
    assert desk.states() == [ACTIVE]
    desk.clock.advance(LEASE_SECONDS)
    assert await desk.rotate() == 1


@pytest.mark.parametrize("before", ["signing_keys", "take_lease", "data_key", "write"])
async def test_two_processes_at_once_make_one_key(desk: Desk, before: str) -> None:
    """Also where the lease, which only spares work, was taken by both: the unique key decides."""
    desk.clock.advance(NEARLY)

    async def rival() -> None:
        await desk.rotate(holder="run_2")
        desk.store.tables.leases.clear()

    desk.store.before(before, rival)
    await desk.rotate()

    assert desk.states() == [ACTIVE, PENDING]
    assert [action for action, _ in desk.told()] == ["signing_key.add", "signing_key.add"]


@pytest.mark.parametrize("before", ["signing_keys", "take_lease", "write"])
async def test_two_processes_at_once_hand_over_once(desk: Desk, before: str) -> None:
    """Compare-and-set decides, and the loser finds nothing to do."""
    desk.clock.advance(NEARLY)
    await desk.rotate()
    desk.clock.advance(AHEAD)

    async def rival() -> None:
        await desk.rotate(holder="run_2")
        desk.store.tables.leases.clear()

    desk.store.before(before, rival)
    await desk.rotate()

    assert desk.states() == [RETIRING, ACTIVE]
    assert len([change for unit in desk.store.writes for change in unit if isinstance(change, PromoteSigningKey)]) == 1


async def test_a_race_that_never_ends_is_given_up(desk: Desk) -> None:
    """The next run tries again."""
    desk.clock.advance(NEARLY)

    async def forget() -> None:
        keys = desk.store.tables.signing_keys
        for key in list(keys.values()):
            if key.state is PENDING:
                del keys[key.kid]

    async def rival() -> None:
        desk.store.tables.leases.clear()
        await desk.rotate(holder="run_2")

    desk.store.always_before("signing_keys", forget)
    desk.store.always_before("write", rival)
    with refusal(Fault, "contention"):
        await desk.rotate()


async def test_a_store_that_does_not_answer_is_a_fault(desk: Desk) -> None:
    """The next run tries again."""
    desk.store.down = True

    with refusal(Fault, "storage_unavailable"):
        await desk.rotate()
