"""Owns the emergency: a signing key that somebody else may have is worth nothing from now on.

Refuses to leave nothing to sign with: the next key takes over in the same write, whether its time has come or not.
"""

from __future__ import annotations

from broker.domain.signing_key import revocation
from broker.flows.signing_key import KeyTools, carried_out, who_signs


async def revoke(kid: str, tools: KeyTools, *, algorithm: str) -> str | None:
    """The `kid` of the key that took over, if one had to. Raises `Refusal` or `Fault`.

    `algorithm` is the default, beside which Applications may have chosen others.
    """
    algorithms = (algorithm, *await tools.store.signing_algorithms())
    changes = await carried_out(lambda keys: revocation(keys, kid, algorithms), tools)
    return who_signs(changes)
