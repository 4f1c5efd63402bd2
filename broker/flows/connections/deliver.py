"""Owns the outbox: tells Providers of revocations until they know, and destroys each token with its last try.

Refuses to give up early: a Provider that is away is asked again, later and later, for a week, unless the User has
connected the same account again meanwhile.
"""

from __future__ import annotations

from broker.domain.changes import Change, Record, RetryRevocation, SettleRevocation
from broker.domain.connection import UpstreamTokens
from broker.domain.errors import Conflict, SealBroken
from broker.domain.ledger import AuditEvent
from broker.domain.outbox import GIVE_UP_AFTER, PendingRevocation, RevocationResult, next_wait
from broker.flows.found import ConnectionInFull
from broker.flows.ports import Ports

_BATCH = 20


async def deliver_revocations(ports: Ports) -> int:
    """Try everything that is due now, once each; any number of processes may. Returns how many are settled."""
    settled = 0
    for pending in await ports.store.due_revocations(ports.clock.now(), _BATCH):
        try:
            settled += await _deliver(pending, ports)
        except Conflict:
            continue  # another process was first
    return settled


async def _deliver(pending: PendingRevocation, ports: Ports) -> bool:
    now = ports.clock.now()
    # Claim it first: were two processes to tell the Provider, one of them would read "already dead" for our own doing.
    await ports.store.write(
        RetryRevocation(id=pending.id, expected_tries=pending.tries, next_try_at=now + next_wait(pending.tries))
    )
    found = None if pending.connection_id is None else await ports.store.connection(pending.connection_id)
    # Most Providers end the whole grant by any of its tokens: what the User has just connected anew would end too.
    again = found is not None and found.connection.sealed_tokens is not None
    broken = False
    try:
        result = RevocationResult.GIVEN_UP if again else await _tell(pending, found, ports)
    except SealBroken:
        result, broken = RevocationResult.GIVEN_UP, True
    if result is RevocationResult.PENDING and now >= pending.created_at + GIVE_UP_AFTER:
        result = RevocationResult.GIVEN_UP
    if result is RevocationResult.PENDING:
        return False
    changes: list[Change] = [SettleRevocation(id=pending.id, result=result)]
    event = AuditEvent(
        at=now,
        action="connection.revoke_upstream",
        outcome="failed" if result is RevocationResult.GIVEN_UP else "done",
        reason="connected_again" if again else "seal_broken" if broken else result.value,
        user_id=None if pending.connection_id is None else pending.user_id,
        registration=pending.registration,
        object_id=pending.connection_id or pending.id,
    )
    await ports.store.write(*changes, Record(event=event))
    return True


async def _tell(pending: PendingRevocation, found: ConnectionInFull | None, ports: Ports) -> RevocationResult:
    if pending.registration not in ports.upstream.registrations:
        return RevocationResult.UNSUPPORTED
    if found is None:
        key, sealed_token = await ports.store.data_key(pending.user_id), pending.sealed_token
    else:  # both of one moment: the User may have been given another data key since we read what is due
        key = found.data_key
        sealed_token = next((told.sealed_token for told in found.revocations if told.id == pending.id), None)
    if key is None or sealed_token is None:
        return RevocationResult.GIVEN_UP
    plaintext = await ports.vault.open(key, pending.place, sealed_token)
    return await ports.upstream.revoke(pending.registration, UpstreamTokens.from_bytes(plaintext))
