"""Owns a User's word about something optional. What they take back is gone at once, wherever it was kept.

Refuses subjects that the policy does not have, and to leave anything that a sign-in kept by the former word.
"""

from __future__ import annotations

from dataclasses import replace

from broker.domain.acceptance import Choice
from broker.domain.changes import Change, PutChoice, Record, ReplaceConnection, ReplaceDataKey
from broker.domain.connection import Connection, ConnectionStatus
from broker.domain.errors import Conflict, Fault, NotFound, SealBroken
from broker.domain.ids import UserId
from broker.domain.ledger import AuditEvent
from broker.flows.broken_seal import told
from broker.flows.found import ConnectionInFull
from broker.flows.ports import Ports
from broker.flows.sealed import keeping, open_attributes

_TRIES = 4


async def choose(user_id: UserId, subject: str, ports: Ports, *, agreed: bool, request_id: str) -> tuple[str, ...]:
    """Note it; the names of the attributes that went with that. Raises `NotFound` or `Fault`."""
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
        gone: list[str] = []
        changes: list[Change] = []
        if not agreed:
            for found in await ports.store.connections_of(user_id):
                connection, went = await _without(found, subject, ports)
                if went is None:
                    changes.append(Record(event=told(found.connection, now)))
                gone += went or ()
                changes.append(
                    ReplaceConnection(connection=connection, expected_generation=found.connection.generation)
                )
            changes += await _noticed_by_whoever_connects(user_id, ports)
        try:
            await ports.store.write(PutChoice(choice=choice), *changes, Record(event=event))
        except Conflict:
            continue  # a sign-in wrote by the former word: look at what it wrote
        return tuple(gone)
    raise Fault("contention", "Somebody is signing in at this very moment. Please try again.")


async def _without(found: ConnectionInFull, subject: str, ports: Ports) -> tuple[Connection, list[str] | None]:
    """The Connection in its next generation, so that a sign-in that began before cannot write it, and what went.

    None: nobody knows, as it does not open; all of it goes, as what was withdrawn may be among it.
    """
    before = found.connection
    if before.sealed_attributes is None and before.sealed_tokens is None:
        return replace(before, generation=before.generation + 1), []
    allowed = ports.policy.keeps(before.registration, found.clients, found.agreed - {subject})
    try:
        kept = await open_attributes(before, found.data_key, ports.vault)
    except SealBroken:
        status = ConnectionStatus.NEEDS_REAUTH
        worthless = replace(before, status=status, sealed_attributes=None, sealed_tokens=None)
        return replace(worthless, generation=before.generation + 1), None
    staying = tuple(a for a in kept if a.name in allowed)
    after = await keeping(before, staying, found.data_key, ports.vault)
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
