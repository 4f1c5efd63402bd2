"""Owns the adapter `local`: KEKs that stand in the keyring itself, in the memory of this process.

Refuses to tell why something does not unwrap. `docs/reference/envelope.md` specifies a wrapped key's bytes.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from broker.crypto.envelope import KEY_BYTES, NONCE_BYTES, TAG_BYTES, length_prefixed
from broker.crypto.kek import WrapContext
from broker.crypto.keyring import KekEntry, NamedKey
from broker.crypto.masked import Masked
from broker.crypto.randomness import Random
from broker.domain.errors import SealBroken

WRAP_FORMAT = b"\x01"
"""Wrapped key version 1: AES-256-GCM-SIV (RFC 8452), which survives a repeated nonce."""
_WRAP_LABEL = b"partner-ops-broker data key v1"
_FINGERPRINT_INFO = b"partner-ops-broker KEK fingerprint v1"
_WRAPPED_BYTES = len(WRAP_FORMAT) + NONCE_BYTES + KEY_BYTES + TAG_BYTES


class LocalKek:
    """A `Kek` of the keyring's own."""

    def __init__(self, named: NamedKey, random: Random) -> None:
        self.id = named.id
        self.fingerprint = HKDF(algorithm=SHA256(), length=32, salt=None, info=_FINGERPRINT_INFO).derive(named.key)
        self._cipher = AESGCMSIV(named.key)
        self._random = random

    async def wrap(self, context: WrapContext, data_key: bytes) -> bytes:
        """See `Kek`."""
        nonce = self._random(NONCE_BYTES)
        return WRAP_FORMAT + nonce + self._cipher.encrypt(nonce, data_key, _wrap_data(context))

    async def unwrap(self, context: WrapContext, wrapped: bytes) -> bytes:
        """See `Kek`."""
        if len(wrapped) != _WRAPPED_BYTES or not wrapped.startswith(WRAP_FORMAT):
            raise SealBroken
        nonce, sealed = wrapped[1 : 1 + NONCE_BYTES], wrapped[1 + NONCE_BYTES :]
        try:
            return Masked(self._cipher.decrypt(nonce, sealed, _wrap_data(context)))
        except (InvalidTag, UnicodeEncodeError):
            raise SealBroken from None

    async def close(self) -> None:
        """There is nothing to let go of."""


def kek(entry: KekEntry, random: Random) -> LocalKek:
    """The adapter's entry point."""
    if not isinstance(entry, NamedKey):
        raise TypeError("a local KEK has its key in the keyring")
    return LocalKek(entry, random)


def _wrap_data(context: WrapContext) -> bytes:
    """What a wrapped key is bound to."""
    return length_prefixed(_WRAP_LABEL, context.kek_id.encode(), context.data_key_id.encode(), context.owner.encode())
