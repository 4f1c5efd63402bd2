"""Owns what an operator does about retention: have go what is over, and hold Users of whom nothing may go.

Refuses to guess whom: where an e-mail address stands for several Users, it takes an id to hold one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from broker.app import SystemClock, opened
from broker.domain.hold import Hold
from broker.domain.ids import UserId
from broker.flows.holds.lift import lift_hold
from broker.flows.holds.place import place_hold
from broker.flows.ports import Clock
from broker.flows.privacy.retain import Retained, retain
from broker.operate import one_user, opened_vault
from broker.settings.model import Settings

LOOK_AGAIN_EVERY = 1.0
"""Seconds between two looks at what another process is doing."""


async def retain_now(
    settings: Settings, *, dry_run: bool, told: Callable[[Retained], None], clock: Clock | None = None
) -> Retained:
    """Have go what is over, or count it; `told` hears of each batch.

    Where another process is at it already, wait: it may know another policy. Raises `NotReady` or `Fault`.
    """

    async def pace(so_far: Retained) -> None:
        told(so_far)

    async with opened(settings, clock, writes=not dry_run) as edges:
        holder = edges.ports.secrets.new_id("run")
        while True:
            done = await retain(edges.ports, holder=holder, dry_run=dry_run, pace=pace)
            if done.is_ours:
                return done
            told(done)
            await asyncio.sleep(LOOK_AGAIN_EVERY)


async def list_holds(settings: Settings) -> Sequence[Hold]:
    """Who is held. Raises `NotReady` or `Fault`."""
    async with opened_vault(settings, right_keys=False) as (store, _, _):
        return await store.holds()


async def hold_user(settings: Settings, who: str, reference: str) -> tuple[Hold, bool]:
    """Hold a User, and whether that was different before. Raises `NotFound`, `Refusal`, `NotReady` or `Fault`."""
    async with opened_vault(settings, right_keys=True) as (store, _, secrets):
        return await place_hold(await one_user(who, store, secrets), reference, store, SystemClock())


async def let_go(settings: Settings, who: str) -> tuple[UserId, Hold | None]:
    """Lift a User's hold: whose, and which there was. Raises as above."""
    async with opened_vault(settings, right_keys=True) as (store, _, secrets):
        user_id = await one_user(who, store, secrets)
        return user_id, await lift_hold(user_id, store, SystemClock())
