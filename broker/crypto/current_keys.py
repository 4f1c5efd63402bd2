"""Owns that a signer has the keys which the database has: one cheap read finds out, and only a new key is opened.

Refuses to go on with a key that was revoked, whatever is wrong with another one.
"""

from __future__ import annotations

from collections.abc import Callable

from broker.crypto.signing import JwtSigner
from broker.crypto.signing_keys import LoadedKey, load_signing_keys
from broker.domain.errors import BrokerError
from broker.domain.sealing import SYSTEM_OWNER
from broker.domain.signing_key import published
from broker.flows.ports import Vault
from broker.flows.store import Store


class CurrentKeys:
    """`changed` is called in the same step in which the signer was given other keys."""

    def __init__(self, signer: JwtSigner, store: Store, vault: Vault, changed: Callable[[], None]) -> None:
        self._signer = signer
        self._store = store
        self._vault = vault
        self._changed = changed

    async def reload(self) -> int:
        """How many keys are new, gone, or in another state. Raises `Fault`, or `SigningKeyRefused`.

        A key that cannot be used is left out, and told of once the others are in use; the next call tries again.
        """
        records = published(await self._store.signing_keys())
        before = {key.kid: key.active for key in self._signer.keys}
        if before == {record.kid: record.active for record in records}:
            return 0
        data_key = await self._store.data_key(SYSTEM_OWNER)
        if data_key is None:  # every record refers to it, so this database has been emptied
            return 0
        keys: list[LoadedKey] = []
        problem: BrokerError | None = None
        for record in records:
            try:
                keys += await load_signing_keys([record], data_key, self._vault, loaded=self._signer.keys)
            except BrokerError as error:
                problem = problem or error
        after = {key.kid: key.active for key in keys}
        if after != before:
            self._signer.use(keys)
            self._changed()
        if problem is not None:
            raise problem
        return len(before.items() ^ after.items())
