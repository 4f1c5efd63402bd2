"""Owns what somebody who begins to follow has to be told first: what they missed, or everything that is in force.

Refuses cursors that are not known any more: what came after them cannot be told from what they have heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from broker.flows.found import Told
from broker.flows.ports import Clock
from broker.flows.store import Store

MOST = 10_000
"""Notices that are told one by one. Who missed more is told everything at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CaughtUp:
    """`cursor`: up to here nothing is missing. `whole`: `told` is the whole set in force, else what came after."""

    cursor: int
    whole: bool
    told: tuple[Told, ...]


async def catch_up(cursor: int | None, store: Store, clock: Clock) -> CaughtUp:
    """From `cursor` on, None for somebody who knows nothing. One read, or two.

    A cursor is known while its notice is kept: then all that came after it is kept too, but for what has expired.
    """
    if cursor is not None:
        found = await store.revocations(cursor, MOST + 2)
        if found and found[0].cursor == cursor and found[0].settled and len(found) < MOST + 2:
            return CaughtUp(cursor=_last_settled(found), whole=False, told=tuple(found[1:]))
    found = await store.revocations_in_force(clock.now())
    return CaughtUp(cursor=_last_settled(found), whole=True, told=tuple(found))


def _last_settled(found: Sequence[Told]) -> int:
    return max((one.cursor for one in found if one.settled), default=0)
