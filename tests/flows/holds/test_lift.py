"""An operator lifts a hold."""

from __future__ import annotations

import pytest

from broker.domain.ledger import AuditEvent
from broker.flows.holds.lift import lift_hold
from broker.flows.holds.place import place_hold
from tests.flows.setting import ADA, NOW
from tests.flows.world import World

pytestmark = pytest.mark.anyio


async def test_a_hold_is_lifted_once(world: World) -> None:
    """With a line in the ledger; where there is none nothing is written."""
    ada = (await world.signed_in(ADA)).user.id
    hold, _ = await place_hold(ada, "2027/114", world.store, world.clock)
    world.forget()

    assert await lift_hold(ada, world.store, world.clock) == hold
    assert world.event() == AuditEvent(at=NOW, action="hold.lift", outcome="done", user_id=ada, object_id="2027/114")
    assert await world.store.held(ada) is None
    world.forget()
    assert await lift_hold(ada, world.store, world.clock) is None
    assert world.written == []
