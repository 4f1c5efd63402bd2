"""Owns the receipt of an erasure, signed: what was destroyed, and what each Provider has been told by now."""

from __future__ import annotations

from typing import Any

from broker.domain.erasure import Erased, receipt
from broker.flows.ports import Ports
from broker.flows.signed_document import signed


async def receipt_of(erased: Erased, ports: Ports) -> dict[str, Any]:
    """The document and its signature, `receipt+jwt`. Raises `Fault`."""
    told = {}
    for token in erased.tokens:
        if token.pending_id is not None and (row := await ports.store.pending_revocation(token.pending_id)) is not None:
            told[row.id] = row
    pages = {name: facts.permissions_page for name, facts in ports.upstream.registrations.items()}
    document = receipt(erased, told, pages, issuer=ports.issuer)
    return signed("receipt", document, issuer=ports.issuer, now=ports.clock.now(), signer=ports.signer)
