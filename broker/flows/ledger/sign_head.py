"""Owns signing the chain's end, so that whoever keeps what was signed can tell later whether the past was changed.

Refuses to sign one position twice.
"""

from __future__ import annotations

from broker.domain.changes import AddLedgerHead
from broker.domain.errors import Conflict
from broker.domain.ledger_chain import HEAD_TYPE, head_claims
from broker.flows.ledger_store import KeptHead
from broker.flows.ports import Ports


async def sign_head(ports: Ports) -> KeptHead | None:
    """The new head; None where the chain has not grown since the last one, or another process was first."""
    last, before = (await ports.store.chain_end()).last, await ports.store.last_head()
    if last is None or (before is not None and before.position >= last.position):
        return None
    now = ports.clock.now()
    signed = ports.signer.sign(head_claims(ports.issuer, last, now), typ=HEAD_TYPE)
    try:
        await ports.store.write(AddLedgerHead(position=last.position, at=now, signed=signed))
    except Conflict:
        return None
    return KeptHead(position=last.position, at=now, signed=signed)
