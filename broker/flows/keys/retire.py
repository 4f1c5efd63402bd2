"""Owns that a signing key signs nothing more, while what it signed stays good.

Refuses to leave an algorithm in use without a key that signs.
"""

from __future__ import annotations

from broker.domain.signing_key import retirement
from broker.flows.signing_key import KeyTools, carried_out, who_signs


async def retire(kid: str, tools: KeyTools, *, algorithm: str) -> str | None:
    """The `kid` of the key that took over, if one had to. Raises `TooEarly`, `Refusal` or `Fault`.

    `algorithm` is the default, beside which Applications may have chosen others.
    """
    algorithms = (algorithm, *await tools.store.signing_algorithms())
    changes = await carried_out(lambda keys: retirement(keys, kid, algorithms, tools.clock.now()), tools)
    return who_signs(changes)
