"""Owns the data keys: makes, wraps and unwraps them, and seals values under them.

Refuses to tell why something does not open. `docs/reference/envelope.md` specifies a wrapped key's bytes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from broker.crypto.envelope import KEY_BYTES, NONCE_BYTES, TAG_BYTES, length_prefixed, seal, unseal
from broker.crypto.keyring import Keyring
from broker.crypto.randomness import FreshRandom, Random, new_id
from broker.domain.errors import SealBroken
from broker.domain.ids import DataKeyId
from broker.domain.sealing import Place, WrappedKey

WRAP_FORMAT = b"\x01"
"""Wrapped key version 1: AES-256-GCM-SIV (RFC 8452), which survives a repeated nonce."""
_WRAP_LABEL = b"partner-ops-broker data key v1"
_WRAPPED_BYTES = len(WRAP_FORMAT) + NONCE_BYTES + KEY_BYTES + TAG_BYTES
_CACHED = 4096


class LocalVault:
    """A `Vault` whose KEKs are in the keyring of this process: the first wraps, all unwrap.

    Unwrapped data keys of the last `cached` Users are kept in memory, where the KEKs are as well.
    """

    def __init__(self, keyring: Keyring, *, random: Random = os.urandom, cached: int = _CACHED) -> None:
        self._random = FreshRandom(random)
        self._keks = {kek.id: AESGCMSIV(kek.key) for kek in keyring.keks}
        self._wrapping_kek = keyring.keks[0].id
        self._unwrapped = lru_cache(maxsize=cached)(self._unwrap)

    async def new_key(self, owner: str, now: int) -> WrappedKey:
        """A data key for `owner`, wrapped by the first KEK."""
        dek_id = DataKeyId(new_id("dek", self._random))
        return WrappedKey(
            id=dek_id,
            owner=owner,
            kek_id=self._wrapping_kek,
            wrapped=self._wrap(dek_id, owner, self._random(KEY_BYTES)),
            created_at=now,
        )

    async def rewrap(self, key: WrappedKey) -> WrappedKey:
        """The same data key under the first KEK; envelopes stay as they are. Raises `SealBroken`."""
        if key.kek_id == self._wrapping_kek:
            return key
        wrapped = self._wrap(key.id, key.owner, self._unwrap(key))
        return replace(key, kek_id=self._wrapping_kek, wrapped=wrapped)

    async def seal(self, key: WrappedKey, place: Place, plaintext: bytes) -> bytes:
        """An envelope. Raises `SealBroken` if the key does not unwrap, `ValueError` if it is another owner's."""
        if place.owner != key.owner:
            raise ValueError("a value is sealed under its own owner's key only")
        return seal(self._unwrapped(key), key.id, place, plaintext, self._random)

    async def open(self, key: WrappedKey, place: Place, envelope: bytes) -> bytes:
        """The plaintext. Raises `SealBroken`."""
        return unseal(self._unwrapped(key), key.id, place, envelope)

    async def check(self, keys: Mapping[str, WrappedKey]) -> tuple[str, ...]:
        """For each key that does not unwrap, a sentence that names its KEK."""
        return tuple(problem for key in keys.values() if (problem := self._problem(key)) is not None)

    def _problem(self, key: WrappedKey) -> str | None:
        if key.kek_id not in self._keks:
            return f"KEK {key.kek_id} is not in the keyring, but wraps data key {key.id}"
        try:
            self._unwrap(key)
        except SealBroken:
            return f"KEK {key.kek_id} in the keyring is not the one that wrapped data key {key.id}"
        return None

    def _wrap(self, dek_id: str, owner: str, data_key: bytes) -> bytes:
        nonce = self._random(NONCE_BYTES)
        aad = _wrap_data(self._wrapping_kek, dek_id, owner)
        return WRAP_FORMAT + nonce + self._keks[self._wrapping_kek].encrypt(nonce, data_key, aad)

    def _unwrap(self, key: WrappedKey) -> bytes:
        kek = self._keks.get(key.kek_id)
        if kek is None or len(key.wrapped) != _WRAPPED_BYTES or not key.wrapped.startswith(WRAP_FORMAT):
            raise SealBroken
        nonce, wrapped = key.wrapped[1 : 1 + NONCE_BYTES], key.wrapped[1 + NONCE_BYTES :]
        try:
            return kek.decrypt(nonce, wrapped, _wrap_data(key.kek_id, key.id, key.owner))
        except (InvalidTag, UnicodeEncodeError):
            raise SealBroken from None


def _wrap_data(kek_id: str, dek_id: str, owner: str) -> bytes:
    """What a wrapped key is bound to."""
    return length_prefixed(_WRAP_LABEL, kek_id.encode(), dek_id.encode(), owner.encode())
