"""Owns the proof, at start, that the keyring is the one this database was written with.

Refuses a wrong key before anything is written with it: under another lookup key every User would be a stranger.
"""

from __future__ import annotations

from broker.domain.changes import AddKeyCheck
from broker.domain.errors import Conflict
from broker.flows.ports import Secrets, Vault
from broker.flows.store import Store

_NAME = "lookup"
_KNOWN = "partner-ops-broker"


async def prove_keys(store: Store, vault: Vault, secrets: Secrets, *, writes: bool) -> tuple[str, ...]:
    """What is wrong with the keyring, in words for the operator; empty when it fits. Raises `Fault`.

    A database that knows no lookup key yet is given this one, if `writes`; else it fits, and is left as it is.
    """
    problems = list(await vault.check(await store.data_keys_by_kek()))
    made = secrets.keyed_hash("key_check", _KNOWN)
    noted = await store.key_check(_NAME)
    if noted is None and not problems and writes:
        try:
            await store.write(AddKeyCheck(name=_NAME, value=made))
        except Conflict:
            noted = await store.key_check(_NAME)
    if noted is not None and not secrets.same(noted, made):
        problems.append("keyring: lookup_keys is not the key that this database was written with")
    return tuple(problems)
