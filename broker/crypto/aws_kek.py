"""Owns the adapter `aws`: KEKs that never leave AWS KMS. The home of boto3, which blocks: each call has a thread.

Refuses to wait longer than two seconds, and to believe an answer that is not the data key which was wrapped.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from broker.crypto.kek import WrapContext, checked, with_check, without_check
from broker.crypto.keyring import ArnKek, KekEntry
from broker.crypto.masked import Masked
from broker.crypto.randomness import Random
from broker.domain.errors import Fault, SealBroken

ANSWER_WITHIN = 2.0
"""Seconds for one call in all, its place in line and its second try included."""
AT_ONCE = 16
"""Calls on their way at the same time, of one process."""
_LABEL = "data key v1"
_NOT_OURS = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})
"""KMS answered: this was not wrapped by this key, or in another context. Everything else may pass."""


class AwsKek:
    """A `Kek` in AWS KMS. Credentials and endpoint are found as every AWS tool finds them; the region is the ARN's."""

    def __init__(self, entry: ArnKek) -> None:
        self.id = entry.id
        self.fingerprint = hashlib.sha256(entry.arn.encode()).digest()
        self._arn = entry.arn
        config = Config(
            connect_timeout=1.0,
            read_timeout=1.0,
            max_pool_connections=AT_ONCE,
            retries={"total_max_attempts": 2, "mode": "standard"},  # one more try, jittered
        )
        self._kms: Any = boto3.session.Session().client("kms", region_name=entry.arn.split(":")[3], config=config)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="kms")

    async def wrap(self, context: WrapContext, data_key: bytes) -> bytes:
        """See `Kek`."""
        return with_check(data_key, await self._ask(lambda: self._encrypt(context, data_key)))

    async def unwrap(self, context: WrapContext, wrapped: bytes) -> bytes:
        """See `Kek`."""
        blob = without_check(wrapped)
        return checked(await self._ask(lambda: self._decrypt(context, blob)), wrapped)

    async def close(self) -> None:
        """Let go of the connections; a call that is under way ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._kms.close()

    def _encrypt(self, context: WrapContext, data_key: bytes) -> bytes:
        answer = self._kms.encrypt(
            KeyId=self._arn, Plaintext=bytes(data_key), EncryptionContext=_encryption_context(context)
        )
        return bytes(answer["CiphertextBlob"])

    def _decrypt(self, context: WrapContext, blob: bytes) -> bytes:
        answer = self._kms.decrypt(KeyId=self._arn, CiphertextBlob=blob, EncryptionContext=_encryption_context(context))
        return Masked(answer["Plaintext"])

    async def _ask(self, call: Callable[[], bytes]) -> bytes:
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                return await asyncio.get_running_loop().run_in_executor(self._threads, call)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in _NOT_OURS:
                raise SealBroken from None
            raise self._fault(code) from None
        except (BotoCoreError, TimeoutError, LookupError, TypeError, ValueError) as error:  # also what is no answer
            raise self._fault(type(error).__name__) from None

    def _fault(self, why: str) -> Fault:
        return Fault("kms_unavailable", "What is kept here cannot be opened at the moment.", detail=f"{self.id}: {why}")


def kek(entry: KekEntry, random: Random) -> AwsKek:
    """The adapter's entry point. KMS draws its own randomness."""
    if not isinstance(entry, ArnKek):
        raise TypeError("a KEK in AWS KMS is named by its ARN")
    return AwsKek(entry)


def _encryption_context(context: WrapContext) -> dict[str, str]:
    """What KMS authenticates beside the key. It stands in AWS's own logs, so it holds ids and nothing else."""
    return {
        "partner-ops-broker": _LABEL,
        "kek": context.kek_id,
        "data_key": context.data_key_id,
        "owner": context.owner,
    }
