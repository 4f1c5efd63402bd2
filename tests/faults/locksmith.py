"""Who replaces the signing key while everybody asks, as `broker keys add` and `broker keys promote` do.

Waits until both brokers publish the new key. The ten minutes after that, which are for those who fetch it seldom, it
has pass at once: whoever verifies here has just fetched it.
"""

from __future__ import annotations

import asyncio

import asyncpg

from broker.app import NotReady
from broker.domain.errors import Fault, Refusal
from broker.domain.signing_key import WINDOW
from broker.operate_keys import add_key, list_keys, promote_key
from tests.faults.application import Application
from tests.faults.asking import Asking

A_LOOK = 0.5
"""Seconds between two."""
_OLDER = "UPDATE signing_keys SET created_at = created_at - $1 WHERE kid = $2"
_BROKEN = (Fault, Refusal, NotReady, asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
"""A connection broke: it was done, or it was not."""


class Locksmith:
    """`rotations`: how often another key has begun to sign."""

    def __init__(self, asking: Asking) -> None:
        self.rotations = 0
        self._asking = asking
        self._two = asking.pair

    async def replace_keys(self, *, every: int) -> None:
        """Again and again, after so many answers, until everybody has gone."""
        while await self._asking.recorder.after(every):
            try:
                await self._replace()
            except _BROKEN:
                continue

    async def _replace(self) -> None:
        keys = await list_keys(self._two.settings)
        pending = next((key for key in keys if key.state == "pending"), None)
        if pending is None:
            pending = await add_key(self._two.settings, None)
        application = Application(self._asking)
        for number in range(2):
            while pending.kid not in await application.keys(number):
                if not await self._asking.recorder.after(1):
                    return
                await asyncio.sleep(A_LOOK)
        await self._two.change(_OLDER, WINDOW, pending.kid)
        await promote_key(self._two.settings, pending.kid)
        self.rotations += 1
