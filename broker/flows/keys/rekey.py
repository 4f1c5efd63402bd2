"""Owns giving one User a new data key: what is sealed of them is sealed anew, the old key destroyed, in one write.

Refuses to leave anything behind that only the old key opens, but for what the ledger has sealed: that cannot be written
anew, as the chain over the ledger is laid over it, and is lost with the key.
"""

from __future__ import annotations

from broker.domain.changes import Change, Record, ReplaceConnection, ReplaceDataKey, ResealRevocation
from broker.domain.errors import Conflict, Fault, NotFound, Refusal, SealBroken
from broker.domain.ids import UserId
from broker.domain.ledger import AuditEvent
from broker.domain.sealing import SYSTEM_OWNER, WrappedKey
from broker.flows.found import ConnectionInFull
from broker.flows.ports import Clock, Vault
from broker.flows.sealed import resealed
from broker.flows.store import Store

_TRIES = 4


async def rekey(user_id: UserId, store: Store, vault: Vault, clock: Clock) -> WrappedKey:
    """The User's new data key. Raises `NotFound`, `Refusal` for a value that does not open, or `Fault`."""
    for _ in range(_TRIES):
        old = await store.data_key(user_id)
        if old is None or old.owner == SYSTEM_OWNER:
            raise NotFound(detail="no User of this id has a data key")
        now = clock.now()
        new = await vault.new_key(user_id, now)
        changes: list[Change] = [ReplaceDataKey(key=new, expected_id=old.id, expected_wrapped=old.wrapped)]
        all_found = await store.connections_of(user_id)
        if any(found.data_key != old for found in all_found):
            continue  # somebody else is at it
        for found in all_found:
            changes += await _resealed(found, new, vault)
        event = AuditEvent(at=now, action="data_key.replace", outcome="done", user_id=user_id, object_id=new.id)
        try:
            await store.write(*changes, Record(event=event))
        except Conflict:
            continue  # something was sealed meanwhile, under the old key
        return new
    raise Fault("contention", "This User is signing in at this very moment. Please try again.")


async def _resealed(found: ConnectionInFull, new: WrappedKey, vault: Vault) -> list[Change]:
    """One Connection, and what its Provider has yet to be told, under the new key.

    Also one that keeps nothing: its generation tells a rival who is about to seal under the old key to look again.
    """
    before, old = found.connection, found.data_key
    try:
        connection = await resealed(before, old, new, vault)
        changes: list[Change] = [ReplaceConnection(connection=connection, expected_generation=before.generation)]
        for told in found.revocations:
            if told.sealed_token is not None:
                token = await vault.open(old, told.place, told.sealed_token)
                changes.append(ResealRevocation(id=told.id, sealed_token=await vault.seal(new, told.place, token)))
    except SealBroken:
        sentence = "Something does not open, and would be lost with its key."
        raise Refusal("not_rekeyed", sentence, detail=f"{before.id}: {sentence}") from None
    return changes
