"""Which attribute policy is in force is noted when it is another one."""

from __future__ import annotations

import pytest

from broker.domain.ledger import AuditEvent
from broker.domain.policy_hash import content_hash
from broker.flows.ledger.note_policy import note_policy
from tests.flows.setting import NOW, POLICY
from tests.flows.world import World

pytestmark = pytest.mark.anyio


async def test_a_policy_is_noted_once(world: World) -> None:
    """By its content hash, until there is another one; also when an older one comes back."""
    first, other = world.ports.policy, world.with_policy({"corp": POLICY["corp"]}).policy
    world.forget()
    told = [await note_policy(policy, world.store, world.clock) for policy in (first, first, other, other, first)]

    assert told == [True, False, True, False, True]
    assert world.events() == [
        AuditEvent(at=NOW, action="policy.in_force", outcome="done", object_id=content_hash(policy))
        for policy in (first, other, first)
    ]
