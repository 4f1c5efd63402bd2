"""The adapter `transit`: KEKs in the transit engine of HashiCorp Vault. It would be `broker/crypto/transit_kek.py`.

Refuses to wait longer than `answer_within` seconds, and to believe an answer that is not the key which was wrapped.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field

from broker.crypto.kek import WrapContext, checked, with_check, without_check
from broker.crypto.masked import Masked
from broker.crypto.randomness import Random
from broker.domain.errors import Fault, SealBroken

_NOT_OURS = ("message authentication failed", "invalid ciphertext")
"""The keeper has looked, and did not wrap this, or not in this context. Every other answer may pass."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TransitEntry:
    """What stands in the keyring: `{"id": "transit:main:1", "url": "https://vault…/v1/transit", "key": "broker"}`.

    The token is not the keyring's, but the environment's, where the agent of Vault renews it.
    """

    id: str
    url: str
    key: str
    token: str = field(repr=False)
    answer_within: float = 2.0


class TransitKek:
    """A `Kek`. The key has to be of the type `aes256-gcm96`, and never be given out ("exportable": false)."""

    def __init__(self, entry: TransitEntry) -> None:
        self.id = entry.id
        self.fingerprint = hashlib.sha256(f"{entry.url} {entry.key}".encode()).digest()
        self._entry = entry

    async def wrap(self, context: WrapContext, data_key: bytes) -> bytes:
        """See `Kek`."""
        answer = await self._ask("encrypt", context, {"plaintext": base64.b64encode(data_key).decode()})
        return with_check(data_key, answer["ciphertext"].encode())

    async def unwrap(self, context: WrapContext, wrapped: bytes) -> bytes:
        """See `Kek`."""
        try:
            ciphertext = without_check(wrapped).decode("ascii")
        except UnicodeDecodeError:
            raise SealBroken from None
        answer = await self._ask("decrypt", context, {"ciphertext": ciphertext})
        return checked(Masked(base64.b64decode(answer["plaintext"])), wrapped)

    async def close(self) -> None:
        """Each call has a connection of its own."""

    async def _ask(self, operation: str, context: WrapContext, body: Mapping[str, str]) -> Mapping[str, str]:
        # What the keeper authenticates beside the key: all three ids, or a data key could be given to another User.
        bound_to = json.dumps([context.kek_id, context.data_key_id, context.owner]).encode()
        sent = json.dumps({**body, "associated_data": base64.b64encode(bound_to).decode()}).encode()
        try:
            async with asyncio.timeout(self._entry.answer_within):
                answer: Mapping[str, str] = await asyncio.to_thread(self._call, operation, sent)
        except (OSError, TimeoutError, ValueError, LookupError, TypeError) as error:  # also what is no answer
            raise Fault(
                "kms_unavailable",
                "What is kept here cannot be opened at the moment.",
                detail=f"{self.id}: {type(error).__name__}",
            ) from None
        return answer

    def _call(self, operation: str, sent: bytes) -> Mapping[str, str]:
        request = urllib.request.Request(  # noqa: S310 - the operator names it, in the keyring
            f"{self._entry.url}/{operation}/{self._entry.key}",
            data=sent,
            headers={"X-Vault-Token": self._entry.token, "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=self._entry.answer_within) as answer:  # noqa: S310
                told: Mapping[str, str] = json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            with error:
                why = error.read().decode(errors="replace")
            if error.code == 400 and any(known in why for known in _NOT_OURS):
                raise SealBroken from None
            raise
        return told


def kek(entry: TransitEntry, random: Random) -> TransitKek:
    """The adapter's entry point. The keeper draws its own randomness."""
    return TransitKek(entry)
