"""A Provider's tokens that are nobody's any more."""

from __future__ import annotations

import pytest

from broker.domain.changes import AddDataKey, AddPendingRevocation
from broker.domain.connection import UpstreamTokens
from broker.domain.errors import Fault
from broker.domain.sealing import SYSTEM_OWNER
from broker.flows.connections.deliver import deliver_revocations
from broker.flows.orphaned import orphaned
from tests.flows.refusals import refusal
from tests.flows.setting import GOOGLE, NOW
from tests.flows.world import World

pytestmark = pytest.mark.anyio

TOKENS = UpstreamTokens(access_token="access-canary", refresh_token="refresh-canary", expires_at=None)


async def test_their_provider_is_told_and_they_are_destroyed(world: World) -> None:
    """The line in the ledger mentions nobody."""
    await with_system_key(world)
    pending = await orphaned(TOKENS, GOOGLE, world.ports)
    await world.store.write(AddPendingRevocation(pending=pending))

    assert pending.sealed_token is not None
    assert b"canary" not in pending.sealed_token
    assert await deliver_revocations(world.ports) == 1
    assert world.upstream.revocations == [(GOOGLE, TOKENS)]
    assert world.store.tables.pending_revocations[pending.id].sealed_token is None
    event = world.event()
    assert (event.action, event.user_id, event.object_id) == ("connection.revoke_upstream", None, pending.id)


async def test_without_the_systems_key_nothing_is_sealed(world: World) -> None:
    """It is our fault."""
    world.store.tables.data_keys.pop(SYSTEM_OWNER, None)
    with refusal(Fault, "no_system_key"):
        await orphaned(TOKENS, GOOGLE, world.ports)


async def with_system_key(world: World) -> None:
    """As every broker has one, from its first start on."""
    if await world.store.data_key(SYSTEM_OWNER) is None:
        await world.store.write(AddDataKey(key=await world.ports.vault.new_key(SYSTEM_OWNER, NOW)))
        world.forget()
