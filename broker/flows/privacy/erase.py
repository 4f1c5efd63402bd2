"""Owns erasing a User: everything ends, then one write destroys their key and every row that mentions them.

What their Providers are yet to be told goes on under the system's key. Refuses whoever is under a legal hold, and to
leave anything half done: whoever is stopped is carried on from the rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from broker.domain.changes import (
    AddPendingRevocation,
    Change,
    EndSessionsOfUser,
    PutTombstone,
    Record,
    SetEraseAt,
    SetUserStatus,
)
from broker.domain.changes.erasure import ALL_OF_USER
from broker.domain.connection import UpstreamTokens
from broker.domain.erasure import Erased, ErasedToken
from broker.domain.errors import Conflict, Fault, NotFound, Refusal, SealBroken
from broker.domain.ids import RegistrationId, UserId
from broker.domain.ledger import AuditEvent
from broker.domain.outbox import RevocationResult
from broker.domain.user import UserStatus
from broker.flows.found import ConnectionInFull
from broker.flows.orphaned import orphaned
from broker.flows.ports import Ports
from broker.flows.sealed import open_tokens

_TRIES = 8


async def erase(user_id: UserId, ports: Ports, *, request_id: str = "") -> Erased:
    """Erase now. What went. Raises `NotFound`, `Refusal` of whoever is held, or `Fault`."""
    user = await ports.store.user(user_id)
    if user is None:
        raise NotFound(detail="no User of this id is known")
    if await ports.store.held(user_id) is not None:
        raise Refusal("on_hold", "This account cannot be erased now, as a law demands that it is kept.")
    if user.status is not UserStatus.LEAVING:
        await ports.store.write(*_stop(user_id, ports.clock.now()))
    for _ in range(_TRIES):
        try:
            return await _destroy(user_id, ports, request_id)
        except Conflict:
            continue  # a sign-in or a job wrote something meanwhile: that goes too
    raise Fault("contention", "This account is being used at this moment. Please try again.")


def _stop(user_id: UserId, now: int) -> Iterator[Change]:
    """Whatever is alive hears of its end from the feed, and by logout tokens, while the rows are there to tell whom."""
    yield SetUserStatus(user_id=user_id, status=UserStatus.LEAVING, at=now)
    yield SetEraseAt(user_id=user_id, erase_at=now)
    yield EndSessionsOfUser(user_id=user_id, at=now)
    event = AuditEvent(at=now, action="user.leave", outcome="done", user_id=user_id)
    yield Record(event=event)


async def _destroy(user_id: UserId, ports: Ports, request_id: str) -> Erased:
    now = ports.clock.now()
    destroyed = await ports.store.rows_of_user(user_id)
    changes: list[Change] = [PutTombstone(user_id=user_id, at=now)]
    tokens: list[ErasedToken] = []
    for found in await ports.store.connections_of(user_id):
        registration = found.connection.registration
        for readable in await _tokens(found, ports):
            token, change = await _end_upstream(readable, registration, ports)
            tokens.append(token)
            changes += change
    event = AuditEvent(
        at=now,
        action="user.erase",
        outcome="done",
        reason=f"{sum(destroyed.values())}:{','.join(destroyed)}",
        request_id=request_id,
        user_id=user_id,
    )
    changes += [remove(user_id=user_id) for remove in ALL_OF_USER]
    await ports.store.write(*changes, Record(event=event))
    return Erased(user_id=user_id, at=now, destroyed=destroyed, tokens=tuple(tokens))


async def _tokens(found: ConnectionInFull, ports: Ports) -> list[UpstreamTokens]:
    """The Connection's, and those that its Provider is yet to be told of. What does not open can be ended by nobody."""
    readable: list[UpstreamTokens] = []
    with suppress(SealBroken):
        if (held := await open_tokens(found.connection, found.data_key, ports.vault)) is not None:
            readable.append(held)
    for pending in found.revocations:
        if pending.sealed_token is not None:
            with suppress(SealBroken):
                plaintext = await ports.vault.open(found.data_key, pending.place, pending.sealed_token)
                readable.append(UpstreamTokens.from_bytes(plaintext))
    return readable


async def _end_upstream(
    tokens: UpstreamTokens, registration: RegistrationId, ports: Ports
) -> tuple[ErasedToken, list[Change]]:
    facts = ports.upstream.registrations.get(registration)
    if facts is None or not facts.can_revoke:
        result = RevocationResult.UNSUPPORTED
        return ErasedToken(registration=registration, pending_id=None, result=result), []
    pending = await orphaned(tokens, registration, ports)
    token = ErasedToken(registration=registration, pending_id=pending.id, result=pending.result)
    return token, [AddPendingRevocation(pending=pending)]
