"""Owns what a User may agree to, and what they did: for their own page. Refuses to decide. Writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from broker.domain.ids import UserId
from broker.domain.optional import Option, options
from broker.flows.ports import Ports


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """`since`: when each subject that is agreed to was, in seconds since the epoch."""

    options: tuple[Option, ...]
    since: Mapping[str, int]


async def show_choices(user_id: UserId, ports: Ports) -> Choices:
    """Of all accounts that are connected. Raises `Fault`."""
    connections = await ports.store.connections_of(user_id)
    said = await ports.store.choices_of(user_id)
    kept = {
        found.connection.registration: ports.policy.keeps(found.connection.registration, found.clients)
        for found in connections
    }
    return Choices(options=options(ports.policy, kept), since={s.subject: s.at for s in said if s.agreed})
