"""Owns that an operator has a further signing key made: it is published, and waits. Refuses a second one that waits."""

from __future__ import annotations

from broker.domain.changes import AddSigningKey
from broker.domain.signing_key import SigningKey, addition
from broker.flows.signing_key import KeyTools, carried_out


async def add(alg: str, tools: KeyTools) -> SigningKey:
    """A new key for `alg`. Raises `Refusal` or `Fault`. Where nothing could be signed so far, it signs at once."""
    changes = await carried_out(lambda keys: addition(keys, alg), tools)
    (key,) = (change.key for change in changes if isinstance(change, AddSigningKey))
    return key
