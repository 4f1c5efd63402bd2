"""Owns the data keys: makes, wraps and unwraps them, and seals values under them.

Refuses to tell why something does not open. `docs/reference/envelope.md` specifies a wrapped key's bytes.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from broker.crypto.envelope import KEY_BYTES, seal, unseal
from broker.crypto.kek import Kek, WrapContext, kek_of
from broker.crypto.keyring import Keyring
from broker.crypto.masked import Masked
from broker.crypto.randomness import FreshRandom, Random, new_id
from broker.crypto.unwrapped import MANY, SECONDS, UnwrappedKeys
from broker.domain.errors import Fault, SealBroken
from broker.domain.ids import DataKeyId
from broker.domain.sealing import Place, WrappedKey

AT_ONCE = 16
"""Data keys that are wrapped anew side by side."""


class LocalVault:
    """A `Vault` which seals in this process. Its KEKs are those of the keyring: the first wraps, all unwrap.

    The data keys of the last `cached` Users are kept in memory for `seconds`.
    """

    def __init__(
        self,
        keyring: Keyring,
        *,
        random: Random = os.urandom,
        cached: int = MANY,
        seconds: float = SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._random = FreshRandom(random)
        self._keks: dict[str, Kek] = {entry.id: kek_of(entry, self._random) for entry in keyring.keks}
        self._wrapping = self._keks[keyring.keks[0].id]
        self._known = UnwrappedKeys(many=cached, seconds=seconds, monotonic=monotonic)

    @property
    def keks(self) -> Mapping[str, bytes]:
        """See `Vault`."""
        return {kek_id: kek.fingerprint for kek_id, kek in self._keks.items()}

    async def new_key(self, owner: str, now: int) -> WrappedKey:
        """A data key for `owner`, wrapped by the first KEK."""
        dek_id = DataKeyId(new_id("dek", self._random))
        data_key = Masked(self._random(KEY_BYTES))
        return WrappedKey(
            id=dek_id,
            owner=owner,
            kek_id=self._wrapping.id,
            wrapped=await self._wrap(dek_id, owner, data_key),
            created_at=now,
        )

    async def rewrap(self, keys: Sequence[WrappedKey]) -> Sequence[WrappedKey | None]:
        """Each data key, wrapped anew by the first KEK; None where it does not unwrap. Envelopes stay as they are."""
        left, done = iter(keys), list[WrappedKey | None]()
        while some := list(islice(left, AT_ONCE)):
            done += await asyncio.gather(*map(self._rewrapped, some))
        return done

    async def seal(self, key: WrappedKey, place: Place, plaintext: bytes) -> bytes:
        """An envelope. Raises `SealBroken` if the key does not unwrap, `ValueError` if it is another owner's."""
        if place.owner != key.owner:
            raise ValueError("a value is sealed under its own owner's key only")
        return seal(await self._unwrapped(key), key.id, place, plaintext, self._random)

    async def open(self, key: WrappedKey, place: Place, envelope: bytes) -> bytes:
        """The plaintext. Raises `SealBroken`."""
        return unseal(await self._unwrapped(key), key.id, place, envelope)

    async def check(self, keys: Mapping[str, Sequence[WrappedKey]]) -> tuple[str, ...]:
        """For each KEK that unwraps none of its keys, a sentence that names it and the first of them."""
        return tuple([self._problem(of_kek[0]) for of_kek in keys.values() if not await self._unwraps_one(of_kek)])

    async def close(self) -> None:
        """Let go of what the KEKs hold."""
        for kek in self._keks.values():
            await kek.close()

    def _problem(self, key: WrappedKey) -> str:
        if key.kek_id not in self._keks:
            return f"KEK {key.kek_id} is not in the keyring, but wraps data key {key.id}"
        return f"KEK {key.kek_id} in the keyring is not the one that wrapped data key {key.id}"

    async def _unwraps_one(self, keys: Sequence[WrappedKey]) -> bool:
        for key in keys:
            try:
                if key.kek_id in self._keks:
                    await self._unwrap(key)
                    return True
            except SealBroken:
                continue
        return False

    async def _rewrapped(self, key: WrappedKey) -> WrappedKey | None:
        try:
            data_key = await self._unwrap(key)
        except SealBroken:
            return None
        return replace(key, kek_id=self._wrapping.id, wrapped=await self._wrap(key.id, key.owner, data_key))

    async def _wrap(self, dek_id: str, owner: str, data_key: bytes) -> bytes:
        context = WrapContext(kek_id=self._wrapping.id, data_key_id=dek_id, owner=owner)
        return await self._wrapping.wrap(context, data_key)

    async def _unwrapped(self, key: WrappedKey) -> bytes:
        data_key = self._known.find(key)
        if data_key is None:
            data_key = await self._unwrap(key)
            self._known.keep(key, data_key)
        return data_key

    async def _unwrap(self, key: WrappedKey) -> bytes:
        kek = self._keks.get(key.kek_id)
        if kek is None:
            # Not `SealBroken`: what that makes of a row is for good, and this passes with the right keyring.
            raise Fault("kek_missing", "Something is down on our side.", detail=f"{key.kek_id} is not in the keyring")
        context = WrapContext(kek_id=key.kek_id, data_key_id=key.id, owner=key.owner)
        return await kek.unwrap(context, key.wrapped)
