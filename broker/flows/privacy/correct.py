"""Owns a User's own word about what is kept of them: an attribute is put right, or left to the Provider again.

No sign-in changes what was put right. It proves nothing: invitations go by what a Provider has verified.
Refuses what the policy does not let be corrected, what cannot be kept, and Connections of anybody else.
"""

from __future__ import annotations

from broker.domain.changes import Record, ReplaceConnection
from broker.domain.connection import ConnectionStatus, KeptAttribute, corrected_attributes, uncorrected_attributes
from broker.domain.errors import Conflict, Fault, NotFound, Refusal, SealBroken
from broker.domain.ids import ConnectionId, UserId
from broker.domain.ledger import AuditEvent
from broker.domain.policy import Keep, is_a_correction
from broker.flows.broken_seal import mark
from broker.flows.found import ConnectionInFull
from broker.flows.ports import Ports
from broker.flows.sealed import keeping, open_attributes

_TRIES = 4


async def correct(
    connection_id: ConnectionId, attribute: str, value: str | None, user_id: UserId, ports: Ports, *, request_id: str
) -> None:
    """Keep `value` from now on, whatever the Provider says; None: take what it says at the next sign-in.

    Raises `NotFound`, `Refusal` (`not_correctable`, `malformed_value`, `unreadable`) or `Fault`.
    """
    if value is not None and not is_a_correction(attribute, value):
        raise Refusal("malformed_value", "This cannot be kept. Please enter one line of text.", detail=attribute)
    for _ in range(_TRIES):
        found = await ports.store.connection(connection_id)
        if found is None or found.connection.user_id != user_id:
            raise NotFound(detail="no such connection of this user")
        if found.connection.status is ConnectionStatus.REVOKED:
            raise NotFound(detail="connection revoked")
        keep = ports.policy.keeps(found.connection.registration, found.clients, found.agreed).get(attribute)
        if keep is None or not keep.correctable:
            raise Refusal("not_correctable", "This is not yours to correct here.", detail=attribute)
        try:
            return await _write(found, attribute, value, keep, ports, request_id)
        except Conflict:
            continue  # a sign-in wrote meanwhile: put right what it wrote
        except SealBroken:
            await mark(found.connection, ports.store, ports.clock)
            sentence = "What is kept of this account cannot be read any more. Please connect it again first."
            raise Refusal("unreadable", sentence) from None
    raise Fault("contention", "Somebody is signing in at this very moment. Please try again.")


async def _write(
    found: ConnectionInFull, attribute: str, value: str | None, keep: Keep, ports: Ports, request_id: str
) -> None:
    before, now = found.connection, ports.clock.now()
    kept = await open_attributes(before, found.data_key, ports.vault)
    after = _said(kept, attribute, value, keep, now)
    event = AuditEvent(
        at=now,
        action="attributes.correct" if value is not None else "attributes.uncorrect",
        outcome="done",
        reason=f"1:{attribute}",
        request_id=request_id,
        user_id=before.user_id,
        registration=before.registration,
        object_id=before.id,
    )
    connection = await keeping(before, after, found.data_key, ports.vault)
    await ports.store.write(
        ReplaceConnection(connection=connection, expected_generation=before.generation), Record(event=event)
    )


def _said(
    kept: tuple[KeptAttribute, ...], attribute: str, value: str | None, keep: Keep, now: int
) -> tuple[KeptAttribute, ...]:
    return (
        uncorrected_attributes(kept, attribute, keep)
        if value is None
        else corrected_attributes(kept, attribute, value, now=now)
    )
