"""Owns what a User may agree to, and what they did: for their own page. Refuses to decide. Writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from broker.domain.ids import RegistrationId, UserId
from broker.domain.optional import Option, options
from broker.flows.ports import Ports
from broker.flows.reduced import without_consent


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """`since`: when each subject that is agreed to was, in seconds since the epoch. `ends`: whose tokens would end at
    the Provider, were it taken back."""

    options: tuple[Option, ...]
    since: Mapping[str, int]
    ends: Mapping[str, tuple[RegistrationId, ...]]


async def show_choices(user_id: UserId, ports: Ports) -> Choices:
    """Of all accounts that are connected. Raises `Fault`."""
    connections = await ports.store.connections_of(user_id)
    said = await ports.store.choices_of(user_id)
    kept = {
        found.connection.registration: ports.policy.keeps(found.connection.registration, found.clients)
        for found in connections
    }
    since = {s.subject: s.at for s in said if s.agreed}
    ends = {
        subject: tuple(
            dict.fromkeys(f.connection.registration for f in connections if without_consent(f, subject, ports).beyond)
        )
        for subject in since
    }
    return Choices(options=options(ports.policy, kept), since=since, ends=ends)
