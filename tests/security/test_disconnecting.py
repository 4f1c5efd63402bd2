"""Disconnecting: what is kept here ends at once, and the Provider is told, whatever becomes of the process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from broker.app import opened
from broker.crypto.vault import LocalVault
from broker.domain.connection import ConnectionStatus
from broker.domain.outbox import RevocationResult, next_wait
from broker.settings.load import load
from tests.fakes.clock import SettableClock
from tests.fakes.upstream import ScriptedUpstream
from tests.flows.setting import GOOGLE, facts
from tests.security.deployment import NOW, OLD, as_the_broker_does, deploy, reads
from tests.security.killed import disconnect, killed_at_each_step

pytestmark = pytest.mark.anyio


async def test_a_disconnect_that_is_killed_at_any_step_ends_the_same(tmp_path: Path) -> None:
    """Nothing is left that opens, the outbox is done with it, and the ledger has one line of each."""
    made = await deploy(tmp_path)
    await made.add_users(2, OLD, named=as_the_broker_does)
    gone, stays = made.users
    async for copy in killed_at_each_step(made, tmp_path, f"disconnect:{gone}", least=5):
        async with opened(load(copy.config), SettableClock(NOW + next_wait(0))) as edges:
            ports = replace(edges.ports, upstream=ScriptedUpstream(facts(GOOGLE)))
            await disconnect(gone, ports)
            (found,) = await ports.store.connections_of(gone)
            assert found.connection.status is ConnectionStatus.REVOKED
            assert (found.connection.sealed_attributes, found.connection.sealed_tokens) == (None, None)
            (told,) = found.revocations
            assert told.result in (RevocationResult.REVOKED, RevocationResult.ALREADY_DEAD)
            assert told.sealed_token is None
            lines = [event.action for event in await ports.store.events(99) if event.user_id == gone]
            assert await reads(ports.store, LocalVault(copy.keyring(OLD)), stays)
            assert sorted(lines) == ["connection.revoke", "connection.revoke_upstream"]
