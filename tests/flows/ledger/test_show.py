"""What an operator sees of the ledger, and what only after the ledger knows of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.domain.ids import UserId
from broker.domain.ledger_rules import LedgerRules
from broker.domain.policy import AttributePolicy
from broker.flows.ledger.show import Shown, show
from broker.flows.ports import Ports
from broker.flows.sealed_event import opened_address
from broker.flows.sign_in.finish import finish
from tests.flows.ledger.chains import Chained
from tests.flows.setting import ACME, ADA, GRACE
from tests.flows.world import World

pytestmark = pytest.mark.anyio

ADDRESS = "203.0.113.77"
NETWORK = "203.0.113.0/24"


def remembering(world: World) -> Ports:
    """The same broker, whose policy lets it remember where somebody signed in from."""
    policy = AttributePolicy(sections=world.ports.policy.sections, ledger=LedgerRules(address="shortened"))
    return replace(world.ports, policy=policy)


async def signed_in_from(world: World, address: str, ports: Ports) -> UserId:
    """Ada, from this address."""
    trip = await world.begin(ADA)
    callback = world.upstream.allow(trip.url, ADA)
    await finish(callback, trip.cookie, None, ports, browser="Firefox", address=address, request_id="req-finish")
    return next(iter(world.store.tables.users))


async def shown(world: World, user_id: UserId | None, *, with_values: bool) -> tuple[Shown, ...]:
    return await show(user_id, 0, 100, world.store, world.ports.vault, world.clock, with_values=with_values)


async def test_events_are_shown_in_their_order(world: World) -> None:
    """Of all, or of one User, a part at a time."""
    await world.signed_in(ADA)
    await world.signed_in(GRACE)
    ada, grace = world.store.tables.users

    everything = await shown(world, None, with_values=False)
    assert [one.entry.id for one in everything] == sorted(world.store.tables.ledger)
    of_grace = await shown(world, grace, with_values=False)
    assert {one.entry.event.user_id for one in of_grace} == {grace}
    beyond = await show(None, 2, 1, world.store, world.ports.vault, world.clock, with_values=False)
    assert [one.entry.id for one in beyond] == [3]
    assert all(one.address is None for one in everything)
    assert ada != grace


async def test_an_address_is_remembered_only_where_the_policy_says_so(world: World) -> None:
    """By default there is nothing to open."""
    user_id = await signed_in_from(world, ADDRESS, world.ports)

    assert [one.entry.event.sealed for one in await shown(world, user_id, with_values=True)] == [None]
    assert world.event_of("sign_in.finish").sealed is None


@pytest.mark.parametrize("address", ["unknown", ""])
async def test_what_is_no_address_is_not_remembered(world: World, address: str) -> None:
    """Of a peer that has none."""
    await signed_in_from(world, address, remembering(world))

    assert world.event_of("sign_in.finish").sealed is None


async def test_a_shortened_address_is_sealed_and_opened_on_request(world: World) -> None:
    """The row has neither the address nor its network; who looks leaves a line, also for whoever looks at that."""
    user_id = await signed_in_from(world, ADDRESS, remembering(world))
    event = world.event_of("sign_in.finish")
    assert event.sealed is not None
    assert b"203.0" not in event.sealed
    assert "203.0" not in repr(event)

    assert [one.address for one in await shown(world, user_id, with_values=False)] == [None]
    world.forget()
    assert [one.address for one in await shown(world, user_id, with_values=True)] == [NETWORK]
    told = world.event()
    assert (told.action, told.outcome, told.user_id) == ("ledger.show", "done", user_id)
    assert [one.address for one in await shown(world, None, with_values=True)].count(NETWORK) == 1


async def test_what_was_sealed_opens_nowhere_else(world: World) -> None:
    """Neither in another event, nor under another time, registration, Client or key."""
    user_id = await signed_in_from(world, ADDRESS, remembering(world))
    event, vault = world.event_of("sign_in.finish"), world.ports.vault
    key = await world.store.data_key(user_id)
    assert key is not None
    assert await opened_address(event, key, vault) == NETWORK

    moved = (
        replace(event, request_id="req-other"),
        replace(event, at=event.at + 1),
        replace(event, registration=None),
        replace(event, client_org=ACME),
    )
    assert [await opened_address(other, key, vault) for other in moved] == [None] * 4
    assert await opened_address(event, await vault.new_key(user_id, 0), vault) is None
    assert await opened_address(event, None, vault) is None


async def test_whoever_is_erased_takes_it_along_and_the_chain_is_whole(world: World) -> None:
    """The key is gone, so nobody can read it; what was hashed is what is stored."""
    user_id = await signed_in_from(world, ADDRESS, remembering(world))
    chained = Chained(world=world)
    await chained.chain()
    exported = await chained.sign()
    del world.store.tables.data_keys[user_id]

    assert [one.address for one in await shown(world, user_id, with_values=True)] == [None]
    assert (await chained.verify(exported)).problems == ()
