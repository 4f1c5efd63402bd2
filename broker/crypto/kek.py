"""Owns the port behind which a KEK is kept, and which module speaks to which kind of keeper.

Refuses an adapter's word: what a keeper elsewhere unwraps is compared with what was wrapped.
`docs/how-to/rotate-keys.md` says what another adapter has to do.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from broker.crypto.keyring import KekEntry, KeyringRefused
from broker.crypto.masked import Masked
from broker.crypto.randomness import Random
from broker.domain.errors import SealBroken
from broker.domain.sealing import adapter_of

KEY_BYTES = 32
REMOTE_FORMAT = b"\x02"
"""Wrapped key version 2: a check value of 32 bytes, then what the keeper answered."""
_CHECK_BYTES = 32
_CHECK_INFO = b"partner-ops-broker data key check v1"
_MODULES: Mapping[str, str] = {
    "local": "broker.crypto.local_kek",
    "aws": "broker.crypto.aws_kek",
}
"""Loaded when a keyring asks for one: an adapter's library need not be installed where it is not used."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WrapContext:
    """What a wrapped key is bound to. It unwraps in exactly the context it was wrapped in, or not at all."""

    kek_id: str
    data_key_id: str
    owner: str


class Kek(Protocol):
    """One KEK, wherever it is kept. An adapter is a module with `kek(entry, random) -> Kek`.

    Either method may raise `Fault` when the keeper does not answer: nothing is known about the key then.
    """

    @property
    def id(self) -> str:
        """`adapter:name:version`."""

    @property
    def fingerprint(self) -> bytes:
        """Tells this KEK from another one under the same id, and nothing else about it. The same in every process."""

    async def wrap(self, context: WrapContext, data_key: bytes) -> bytes:
        """What is kept in the database. `data_key` has 32 bytes."""

    async def unwrap(self, context: WrapContext, wrapped: bytes) -> bytes:
        """The data key. Raises `SealBroken` for what this KEK did not wrap in this context."""

    async def close(self) -> None:
        """Let go of connections and threads."""


def kek_of(entry: KekEntry, random: Random) -> Kek:
    """The KEK that an entry of the keyring speaks of. Raises `KeyringRefused` where its adapter cannot be used."""
    adapter = adapter_of(entry.id)
    try:
        module = import_module(_MODULES[adapter])
    except ImportError as error:
        problem = f"KEK {entry.id}: the library {error.name} is missing; install the extra {adapter}"
        raise KeyringRefused((problem,)) from None
    make = cast(Callable[[KekEntry, Random], Kek], module.kek)
    return make(entry, random)


def with_check(data_key: bytes, answered: bytes) -> bytes:
    """What a keeper elsewhere answered, behind a value by which the data key is known again."""
    return REMOTE_FORMAT + _check_value(data_key) + answered


def without_check(wrapped: bytes) -> bytes:
    """What the keeper answered once. Raises `SealBroken`."""
    if not wrapped.startswith(REMOTE_FORMAT) or len(wrapped) <= len(REMOTE_FORMAT) + _CHECK_BYTES:
        raise SealBroken
    return wrapped[len(REMOTE_FORMAT) + _CHECK_BYTES :]


def checked(data_key: bytes, wrapped: bytes) -> bytes:
    """The data key, if it is the one that was wrapped. Raises `SealBroken`.

    A keeper that answers with another key would have us seal under a key that nobody has afterwards.
    """
    check = wrapped[len(REMOTE_FORMAT) :][:_CHECK_BYTES]
    if len(data_key) != KEY_BYTES or not hmac.compare_digest(check, _check_value(data_key)):
        raise SealBroken
    return Masked(data_key)


def _check_value(data_key: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=_CHECK_BYTES, salt=None, info=_CHECK_INFO).derive(data_key)
