"""An operator holds a User."""

from __future__ import annotations

import pytest

from broker.domain.errors import NotFound, Refusal
from broker.domain.hold import Hold
from broker.domain.ids import UserId
from broker.domain.ledger import AuditEvent
from broker.flows.holds.place import place_hold
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, NOW
from tests.flows.world import World

pytestmark = pytest.mark.anyio


async def place(world: World, user_id: UserId, reference: str = "2027/114") -> tuple[Hold, bool]:
    world.forget()
    return await place_hold(user_id, reference, world.store, world.clock)


async def test_whoever_is_held_has_a_line_in_the_ledger(world: World) -> None:
    """With the reference, and nothing else."""
    ada = (await world.signed_in(ADA)).user.id
    hold = Hold(user_id=ada, reference="2027/114", since=NOW)

    assert await place(world, ada) == (hold, True)
    assert await world.store.held(ada) == hold
    assert world.event() == AuditEvent(at=NOW, action="hold.place", outcome="done", user_id=ada, object_id="2027/114")


async def test_a_second_hold_is_another_reference_of_the_first(world: World) -> None:
    """Since the same time; and the same one again changes nothing."""
    ada = (await world.signed_in(ADA)).user.id
    first, _ = await place(world, ada)
    world.clock.advance(60)
    assert await place(world, ada) == (first, False)
    assert world.written == []
    second = Hold(user_id=ada, reference="2027/200", since=NOW)

    assert await place(world, ada, "2027/200") == (second, True)
    assert await world.store.holds() == (second,)


async def test_nobody_is_not_held(world: World) -> None:
    """Nor is somebody, by a reference that says more than a code."""
    ada = (await world.signed_in(ADA)).user.id
    with refusal(NotFound, "not_found"):
        await place(world, UserId("usr_nobody"))
    with refusal(Refusal, "hold_reference"):
        await place(world, ada, "because of Ada")

    assert world.written == []
