"""Owns that a KEK is known again: what tells it from another one of the same id is noted when it is first seen.

Refuses a second KEK under an id: what one process wraps by it would not open in the other, and be taken for damaged.
"""

from __future__ import annotations

import hashlib

from broker.domain.changes import AddKeyCheck
from broker.domain.errors import Conflict
from broker.domain.ids import KeyedHash
from broker.flows.ports import Vault
from broker.flows.store import Store


async def recognise_keks(store: Store, vault: Vault, *, writes: bool) -> tuple[str, ...]:
    """What is wrong with the KEKs of the keyring, in words for the operator. Raises `Fault`.

    It needs no data key under a KEK, so that one which is being introduced is compared before it wraps anything.
    """
    problems = []
    for kek_id, fingerprint in vault.keks.items():
        name, made = f"kek {kek_id}", KeyedHash(hashlib.sha256(fingerprint).hexdigest())
        noted = await store.key_check(name)
        if noted is None and writes:
            try:
                await store.write(AddKeyCheck(name=name, value=made))
            except Conflict:
                noted = await store.key_check(name)
        if noted not in (None, made):
            problems.append(f"KEK {kek_id} in the keyring is another key than the one this database knows by that name")
    return tuple(problems)
