"""Owns that there is a key to sign with: makes the first one, sealed, when there is none.

Refuses a second active key: a unique key in SQL decides when two processes start at once. Writes only if it may.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from broker.domain.errors import Conflict, Fault
from broker.domain.sealing import SYSTEM_OWNER, WrappedKey
from broker.domain.signing_key import Make, SigningKey, an_active_one, published
from broker.flows.signing_key import TRIES, KeyTools, made


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningKeys:
    """The keys that are published, one of them active, and the data key that opens their private halves."""

    records: Sequence[SigningKey]
    data_key: WrappedKey


async def ensure_signing_key(tools: KeyTools, *, algorithm: str, writes: bool) -> SigningKeys:
    """The keys to sign and verify with. Raises `Fault` when the store does not answer.

    A key that had to be made is for `algorithm`, and signs at once. Unless `writes`, it is known to the caller alone,
    and the store is left as it is.
    """
    for _ in range(TRIES):
        records = published(await tools.store.signing_keys())
        if an_active_one(records) is not None:
            data_key = await tools.store.data_key(SYSTEM_OWNER)
            # Were theirs lost, none of them would open under another one: loading them says so.
            instead = data_key or await tools.vault.new_key(SYSTEM_OWNER, tools.clock.now())
            return SigningKeys(records=records, data_key=instead)
        new = await made(Make(alg=algorithm, active=True), tools)
        if not writes:
            return SigningKeys(records=(*records, new.key), data_key=new.data_key)
        try:
            await tools.store.write(*new.changes)
        except Conflict:
            continue  # another process was first
    raise Fault("contention", "The signing key could not be settled.")
