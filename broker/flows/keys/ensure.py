"""Owns that there is a key to sign with: makes the first one, sealed, when there is none.

Refuses a second active key: a unique key in SQL decides when two processes start at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from broker.domain.changes import AddDataKey, AddSigningKey, Record
from broker.domain.errors import Conflict, Fault
from broker.domain.ledger import AuditEvent
from broker.domain.sealing import SYSTEM_OWNER, WrappedKey
from broker.domain.signing_key import SigningKey, place_of
from broker.flows.ports import Clock, Store, Vault

_TRIES = 4


class NewKey(Protocol):
    """A fresh key pair: its id, its algorithm, its public half as JSON and its private half as PKCS #8."""

    @property
    def kid(self) -> str: ...
    @property
    def alg(self) -> str: ...
    @property
    def public_jwk(self) -> str: ...
    @property
    def private_der(self) -> bytes: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningKeys:
    """All signing keys, one of them active, and the data key that opens their private halves."""

    records: Sequence[SigningKey]
    data_key: WrappedKey


async def ensure_signing_key(
    store: Store, vault: Vault, clock: Clock, generate: Callable[[], Awaitable[NewKey]]
) -> SigningKeys:
    """The keys to sign and verify with. Raises `Fault` when the store does not answer."""
    for _ in range(_TRIES):
        records = await store.signing_keys()
        data_key = await store.data_key(SYSTEM_OWNER)
        if data_key is not None and any(record.active for record in records):
            return SigningKeys(records=records, data_key=data_key)
        now = clock.now()
        try:
            if data_key is None:
                data_key = await vault.new_key(SYSTEM_OWNER, now)
                await store.write(AddDataKey(key=data_key))
            new = await generate()
            key = SigningKey(
                kid=new.kid,
                alg=new.alg,
                active=True,
                public_jwk=new.public_jwk,
                sealed_private=await vault.seal(data_key, place_of(new.kid), new.private_der),
                data_key_id=data_key.id,
                created_at=now,
            )
            event = AuditEvent(at=now, action="signing_key.add", outcome="done", object_id=key.kid)
            await store.write(AddSigningKey(key=key), Record(event=event))
        except Conflict:
            continue  # another process was first
    raise Fault("contention", "The signing key could not be settled.")
