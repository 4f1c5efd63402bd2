"""The chain is laid over the ledger afterwards: once, in order, whoever is stopped or gets in between."""

from __future__ import annotations

import pytest

from broker.domain.changes import AddLink
from broker.domain.errors import Fault
from broker.domain.ledger_chain import linked
from broker.flows.ledger.chain import AT_ONCE, LEASE, LEASE_SECONDS, chain
from broker.flows.ledger_store import ChainEnd
from tests.flows.ledger.chains import Chained
from tests.flows.setting import NOW
from tests.flows.world import World

pytestmark = pytest.mark.anyio


@pytest.fixture
def chained(world: World) -> Chained:
    return Chained(world=world)


async def test_every_event_is_chained_once_in_order(chained: Chained) -> None:
    """Also those of the broker's own start; a second time there is nothing to do, and no lease is taken for it."""
    await chained.record(5)
    assert await chained.chain() == len(chained.world.store.tables.ledger)
    chained.world.forget()
    assert await chained.chain() == 0
    assert "take_lease" not in {call[0] for call in chained.world.store.received}

    await chained.record(2)
    assert await chained.chain() == 2
    links = list(chained.world.store.tables.ledger_links.values())
    assert [link.event_id for link in links] == sorted(chained.world.store.tables.ledger)
    assert tuple(links) == linked(None, await chained.world.store.settled_rows(0, 999))


async def test_it_works_in_batches(chained: Chained) -> None:
    """Each is one write, until it has caught up."""
    before = len(chained.world.store.tables.ledger)
    await chained.record(AT_ONCE + 3 - before)
    chained.world.forget()

    assert await chained.chain() == AT_ONCE + 3
    assert [len(changes) for changes in chained.world.store.writes] == [AT_ONCE, 3]


async def test_an_exact_batch_is_not_the_end(chained: Chained) -> None:
    """It looks once more."""
    await chained.record(AT_ONCE - len(chained.world.store.tables.ledger))

    assert await chained.chain() == AT_ONCE
    assert (await chained.verify()).problems == ()


async def test_while_another_process_is_at_it_nothing_is_done(chained: Chained) -> None:
    """When that one is gone, its lease ends by itself."""
    await chained.record(1)
    await chained.world.store.take_lease(LEASE, "another", NOW, LEASE_SECONDS)
    assert await chained.chain() == 0

    chained.world.clock.advance(LEASE_SECONDS)
    assert await chained.chain() == len(chained.world.store.tables.ledger)


async def test_a_late_lease_forks_nothing(chained: Chained) -> None:
    """Both have read the same end; whoever writes second loses, and the chain is what the first one made."""
    await chained.record(3)
    store = chained.world.store

    async def another_chains() -> None:
        store.tables.leases.clear()
        await chain(store, chained.world.clock, holder="run_2")

    store.before("write", another_chains)
    assert await chained.chain() == 0
    assert (await chained.verify()).problems == ()
    assert await chained.chain() == 0


@pytest.mark.parametrize("step", ["chain_end", "settled_rows", "take_lease", "write"])
@pytest.mark.parametrize("events", [3, AT_ONCE + 3])
async def test_whoever_is_stopped_is_carried_on_from_there(chained: Chained, step: str, events: int) -> None:
    """At whatever step: another process comes to the very same chain."""
    store = chained.world.store
    await chained.record(events)
    expected = linked(None, await store.settled_rows(0, 9999))
    store.stop_before(step)
    with pytest.raises(Fault):
        await chained.chain()
    store.down = False
    chained.world.clock.advance(LEASE_SECONDS)
    await chained.chain("run_2")

    assert tuple(store.tables.ledger_links.values()) == expected


async def test_new_events_that_come_before_are_told_of(chained: Chained) -> None:
    """As after a restore into another server: chaining stops, and says what to do."""
    (link,) = linked(None, (await chained.world.store.settled_rows(0, 1)))
    await chained.world.store.write(AddLink(link=link))

    class Behind(type(chained.world.store)):  # type: ignore[misc]
        async def chain_end(self) -> ChainEnd:
            return ChainEnd(last=link, is_behind=True)

    store = Behind()
    with pytest.raises(Fault) as fault:
        await chain(store, chained.world.clock, holder="run_1")
    assert fault.value.code == "ledger_behind"
    assert "broker migrate" in (fault.value.detail or "")
