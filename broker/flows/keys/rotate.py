"""Owns the rotation of signing keys by the clock: the next key is made, published ahead, and takes over in its time.

Refuses to run twice at once, and to do for another process what that one has done already.
"""

from __future__ import annotations

from broker.domain.signing_key import due
from broker.flows.signing_key import KeyTools, carried_out

LEASE = "rotate_signing_keys"
LEASE_SECONDS = 30


async def rotate(tools: KeyTools, *, algorithm: str, age: int, holder: str) -> int:
    """Do all that is due; how many steps it were. Raises `Fault`.

    `algorithm` is the default, beside which Applications may have chosen others. A key is replaced at `age`, in
    seconds. `holder` names this process: one of several does the work.
    """
    now = tools.clock.now()
    algorithms = (algorithm, *await tools.store.signing_algorithms())
    if due(await tools.store.signing_keys(), algorithms, now, age) is None:
        return 0
    if not await tools.store.take_lease(LEASE, holder, now, LEASE_SECONDS):
        return 0
    steps = 0
    while await carried_out(lambda keys: due(keys, algorithms, now, age), tools):
        steps += 1
    return steps
