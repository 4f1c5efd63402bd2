"""A process that rotates the KEK, gives a User another data key, purges, or has go what is over, and is killed.

It kills itself at one of its steps.

`python -m tests.security.killed CONFIG DEED STEP WHEN`: DEED is rotate, purge, erase:USER or a
User's id; a step is a call to the store, counted from 0; WHEN is "before"
or "after". Says how many steps there were if it lived to the end.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from broker.app import opened
from broker.crypto.keyring import parse_keyring
from broker.crypto.vault import LocalVault
from broker.domain.ids import UserId
from broker.domain.policy import AttributePolicy
from broker.flows.keys.rekey import rekey
from broker.flows.keys.rewrap import rewrap
from broker.flows.privacy.erase import erase
from broker.flows.privacy.purge import purge
from broker.flows.privacy.retain import LEASE_SECONDS, retain
from broker.settings.load import load
from broker.storage.store import SqlStore
from tests.fakes.clock import SettableClock

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


async def run(config: Path, deed: str, step: int, when: str) -> int:
    """Do the deed; how many steps it took."""
    settings = load(config)
    vault, clock = LocalVault(parse_keyring(settings.keyring)), SettableClock(1_800_000_000)

    async def pace(_: object) -> None:
        return

    store = MortalStore(settings.database_url, step, when)
    async with store:
        if deed == "rotate":
            await rewrap(store, vault, clock, holder=str(os.getpid()), asked=True, pace=pace)
        elif deed == "purge":
            policy = AttributePolicy(sections={})
            await purge(policy, store, vault, clock, holder=str(os.getpid()), dry_run=False, pace=pace)
        elif deed.startswith("erase:"):
            async with opened(settings, clock) as edges:
                await erase(UserId(deed.removeprefix("erase:")), replace(edges.ports, store=store))
        elif deed in ("retain", "retain_later"):
            clock.advance(LONG_AFTER + (LEASE_SECONDS if deed == "retain_later" else 0))
            async with opened(settings, clock) as edges:
                store.steps = 0
                ports = replace(edges.ports, store=store)
                await retain(ports, holder=str(os.getpid()), dry_run=False, pace=pace)
        else:
            await rekey(UserId(deed), store, vault, clock)
    return store.steps


if __name__ == "__main__":
    print(asyncio.run(run(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4])))
