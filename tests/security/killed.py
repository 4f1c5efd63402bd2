"""A process that rotates the KEK, gives a User another data key, purges, disconnects, erases, or has go what is over.

It kills itself at one of its steps.

Such processes are forked from one that has all of it imported, as there are many.
"""

from __future__ import annotations

import asyncio
import inspect
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from broker.app import opened
from broker.crypto.keyring import parse_keyring
from broker.crypto.vault import LocalVault
from broker.domain.ids import UserId
from broker.domain.policy import AttributePolicy
from broker.flows.connections.deliver import deliver_revocations
from broker.flows.connections.revoke import revoke
from broker.flows.keys.rekey import rekey
from broker.flows.keys.rewrap import rewrap
from broker.flows.ports import Ports
from broker.flows.privacy.erase import erase
from broker.flows.privacy.purge import purge
from broker.flows.privacy.retain import LEASE_SECONDS, retain
from broker.settings.load import load
from broker.storage.store import SqlStore
from tests.fakes.clock import SettableClock
from tests.fakes.upstream import ScriptedUpstream
from tests.flows.setting import GOOGLE, facts
from tests.security.deployment import Deployment

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])
LONG_AFTER = 800 * 24 * 3600
"""Seconds, by which everything is over."""


class MortalStore(SqlStore):
    """Dies at a step."""

    def __init__(self, url: str, step: int, when: str) -> None:
        super().__init__(url)
        self.steps = 0
        self._dies_at, self._dies = step, when

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name.startswith("_") or name == "close" or not inspect.iscoroutinefunction(found):
            return found

        async def called(*arguments: Any, **named: Any) -> Any:
            mine, self.steps = self.steps == self._dies_at, self.steps + 1
            if mine and self._dies == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            answer = await found(*arguments, **named)
            if mine:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        return called


async def killed(config: Path, deed: str, step: int, when: str) -> bool:
    """Whether the deed was killed at this step; False when it had none so late.

    `deed` is rotate, purge, retain, retain_later, erase:USER, disconnect:USER or a User's id; a step is a call to the
    store, counted from 0; `when` is "before" or "after".
    """
    process = _CONTEXT.Process(target=_live, args=(config, deed, step, when))
    process.start()
    await asyncio.to_thread(process.join)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


async def killed_at_each_step(made: Deployment, folder: Path, deed: str, *, least: int) -> AsyncIterator[Deployment]:
    """For each step a copy of the deployment of which the deed was killed there; of the last one it lived to its end.

    It has to have been killed at `least` steps.
    """
    for step in range(99):
        copy = made.copy_to(folder / str(step))
        was_killed = await killed(copy.config, deed, step, "before" if step % 2 else "after")
        yield copy
        if not was_killed:
            break
    assert step >= least


def _live(config: Path, deed: str, step: int, when: str) -> None:
    asyncio.run(run(config, deed, step, when))


async def run(config: Path, deed: str, step: int, when: str) -> None:
    """Do the deed."""
    settings = load(config)
    vault, clock = LocalVault(parse_keyring(settings.keyring)), SettableClock(1_800_000_000)

    store = MortalStore(settings.database_url, step, when)
    async with store:
        if deed == "rotate":
            await rewrap(store, vault, clock, holder=str(os.getpid()), asked=True, pace=pace)
        elif deed == "purge":
            async with opened(settings, clock) as edges:
                store.steps = 0
                await purge_all(replace(edges.ports, store=store))
        elif deed.startswith("erase:"):
            async with opened(settings, clock) as edges:
                await erase(UserId(deed.removeprefix("erase:")), replace(edges.ports, store=store))
        elif deed.startswith("disconnect:"):
            async with opened(settings, clock) as edges:
                store.steps = 0
                ports = replace(edges.ports, store=store, upstream=ScriptedUpstream(facts(GOOGLE)))
                await disconnect(UserId(deed.removeprefix("disconnect:")), ports)
        elif deed in ("retain", "retain_later"):
            clock.advance(LONG_AFTER + (LEASE_SECONDS if deed == "retain_later" else 0))
            async with opened(settings, clock) as edges:
                store.steps = 0
                ports = replace(edges.ports, store=store)
                await retain(ports, holder=str(os.getpid()), dry_run=False, pace=pace)
        else:
            await rekey(UserId(deed), store, vault, clock)


async def purge_all(ports: Ports) -> None:
    """As the policy allows nothing any more."""
    ports = replace(ports, policy=AttributePolicy(sections={}))
    await purge(ports, holder=str(os.getpid()), dry_run=False, pace=pace)


async def pace(_: object) -> None:
    """Go on at once."""


async def disconnect(user_id: UserId, ports: Ports) -> None:
    """Their one Connection, and tell the Provider."""
    (found,) = await ports.store.connections_of(user_id)
    await revoke(found.connection.id, user_id, ports, request_id="req-disconnect")
    await deliver_revocations(ports)
