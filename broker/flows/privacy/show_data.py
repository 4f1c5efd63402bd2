"""Owns what a User sees of all that is kept about them. Refuses to show what is not allowed any more, or over."""

from __future__ import annotations

from dataclasses import replace

from broker.domain.ids import UserId
from broker.flows.kept import EverythingKept, KeptConnection, everything_kept
from broker.flows.ports import Ports


async def show_data(user_id: UserId, ports: Ports) -> EverythingKept:
    """What is kept, why, until when, and who was told. Raises `NotFound` or `Fault`."""
    found = await everything_kept(user_id, ports)
    now = ports.clock.now()
    return replace(found, connections=tuple(_shown(one, now) for one in found.connections))


def _shown(one: KeptConnection, now: int) -> KeptConnection:
    if one.attributes is None:
        return one
    shown = (a for a in one.attributes if a.terms is not None and not a.kept.is_over(a.terms, now))
    return replace(one, attributes=tuple(shown))
