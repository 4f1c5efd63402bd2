"""Owns a User's word about something optional. What they take back is gone at once, wherever it was kept.

Refuses subjects that the policy does not have, and to leave anything that a sign-in kept by the former word.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from broker.domain.acceptance import Choice
from broker.domain.changes import Change, PutChoice, Record, ReplaceConnection, ReplaceDataKey
from broker.domain.connection import ConnectionStatus
from broker.domain.errors import Conflict, Fault, NotFound, SealBroken
from broker.domain.ids import ConnectionId, UserId
from broker.domain.ledger import AuditEvent
from broker.flows.broken_seal import told
from broker.flows.found import ConnectionInFull
from broker.flows.ports import Ports
from broker.flows.reduced import Reduced, reduced, without_consent
from broker.flows.sealed import open_attributes

_TRIES = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """What went with that: `deleted` names the attributes; `ended`: the Connections whose tokens reached nothing else,
    which their Providers are yet to be told."""

    deleted: tuple[str, ...] = ()
    ended: tuple[ConnectionId, ...] = ()


async def choose(user_id: UserId, subject: str, ports: Ports, *, agreed: bool, request_id: str) -> Chosen:
    """Note it, and what went with that. Raises `NotFound` or `Fault`."""
    if subject not in ports.policy.consents():
        raise NotFound(detail="nothing optional of this name")
    now = ports.clock.now()
    choice = Choice(user_id=user_id, subject=subject, agreed=agreed, at=now)
    event = AuditEvent(
        at=now,
        action="choice.give" if agreed else "choice.withdraw",
        outcome="done",
        request_id=request_id,
        user_id=user_id,
        object_id=subject,
    )
    for _ in range(_TRIES):
        deleted: list[str] = []
        ended: list[ConnectionId] = []
        changes: list[Change] = []
        if not agreed:
            for found in await ports.store.connections_of(user_id):
                before = found.connection
                after, went = await _without(found, subject, ports, now)
                deleted += went
                ended += [before.id] if after.ended else []
                changes.append(ReplaceConnection(connection=after.connection, expected_generation=before.generation))
                changes += after.changes
            changes += await _noticed_by_whoever_connects(user_id, ports)
        try:
            await ports.store.write(PutChoice(choice=choice), *changes, Record(event=event))
        except Conflict:
            continue  # a sign-in wrote by the former word: look at what it wrote
        return Chosen(deleted=tuple(deleted), ended=tuple(ended))
    raise Fault("contention", "Somebody is signing in at this very moment. Please try again.")


async def _without(found: ConnectionInFull, subject: str, ports: Ports, now: int) -> tuple[Reduced, list[str]]:
    """The Connection in its next generation, so that a sign-in that began before cannot write it, and what went.

    Where it does not open nobody knows what was among it, so all of it goes.
    """
    before = found.connection
    if before.sealed_attributes is None and before.sealed_tokens is None:
        return Reduced(connection=replace(before, generation=before.generation + 1)), []
    less = without_consent(found, subject, ports)
    try:
        kept = await open_attributes(before, found.data_key, ports.vault)
    except SealBroken:
        status = ConnectionStatus.NEEDS_REAUTH
        worthless = replace(before, status=status, sealed_attributes=None, sealed_tokens=None)
        worthless = replace(worthless, generation=before.generation + 1)
        return Reduced(connection=worthless, changes=(Record(event=told(before, now)),)), []
    staying = tuple(a for a in kept if a.name in less.allowed)
    after = await reduced(found, staying, ports, now, ends="consent_withdrawn" if less.beyond else "")
    return after, [a.name for a in kept if a not in staying]


async def _noticed_by_whoever_connects(user_id: UserId, ports: Ports) -> tuple[Change, ...]:
    """The same data key in a new wrapping: a Connection that is just being added is added under the former one."""
    key = await ports.store.data_key(user_id)
    if key is None:
        return ()
    (same,) = await ports.vault.rewrap([key])
    if same is None:
        return ()
    return (ReplaceDataKey(key=same, expected_id=key.id, expected_wrapped=key.wrapped),)
