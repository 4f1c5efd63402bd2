"""Owns the archive that a User takes along: everything that is kept of them in one signed document.

Refuses tokens, secrets and keyed hashes, and to hand anything out before the ledger has a line about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broker.domain.archive import TYPE, VERSION, SignedArchive, signature_claims
from broker.domain.changes import Record
from broker.domain.ids import UserId
from broker.domain.ledger import AuditEvent
from broker.flows.kept import EverythingKept, KeptConnection, KeptOnTerms, everything_kept
from broker.flows.ports import Ports
from broker.flows.sealed_event import opened_address

AT_ONCE = 1000
"""Events in one read."""


async def export(user_id: UserId, ports: Ports, *, by_operator: bool, request_id: str = "") -> SignedArchive:
    """The archive as of now. The line about making it is not in it. Raises `NotFound` or `Fault`."""
    found = await everything_kept(user_id, ports)
    addresses = await _addresses(user_id, ports)
    now = ports.clock.now()
    archive = {
        "version": VERSION,
        "issuer": ports.issuer,
        "created_at": now,
        "policy_digest": ports.policy.digest(),
        **_sections(found, addresses),
    }
    claims = signature_claims(archive, issuer=ports.issuer, user_id=user_id, now=now)
    signed = SignedArchive(archive=archive, signature=ports.signer.sign(claims, typ=TYPE))
    event = AuditEvent(
        at=now,
        action="data.export_by_operator" if by_operator else "data.export",
        outcome="done",
        request_id=request_id,
        user_id=user_id,
    )
    await ports.store.write(Record(event=event))
    return signed


async def _addresses(user_id: UserId, ports: Ports) -> dict[int, str]:
    """Event -> the shortened address that it has sealed, of those that open."""
    key = await ports.store.data_key(user_id)
    opened: dict[int, str] = {}
    after: int | None = 0
    while after is not None:
        entries = await ports.store.entries(user_id, after, AT_ONCE)
        for entry in entries:
            if (address := await opened_address(entry.event, key, ports.vault)) is not None:
                opened[entry.id] = address
        after = entries[-1].id if len(entries) == AT_ONCE else None
    return opened


def _sections(found: EverythingKept, addresses: Mapping[int, str]) -> dict[str, Any]:
    """A section for each table, and who was told."""
    sections: dict[str, Any] = {name: list(map(dict, rows)) for name, rows in found.records.items()}
    (sections["user"],) = sections.pop("users")
    # On PostgreSQL it may be larger than what every reader of JSON tells exactly (RFC 8785 section 3.2.2.3).
    sections["ledger"] = [
        {**row, "id": str(row["id"]), "address": addresses.get(row["id"])} for row in sections["ledger"]
    ]
    in_full = {one.connection.id: one for one in found.connections}
    sections["connections"] = [{**row, **_in_full(in_full[row["id"]])} for row in sections["connections"]]
    sections["disclosures"] = [
        {"connection_id": one.connection.id, "attribute": attribute.kept.name, "application_id": application_id}
        for one in found.connections
        for attribute in one.attributes or ()
        for application_id in attribute.told
    ]
    return sections


def _in_full(one: KeptConnection) -> Mapping[str, Any]:
    attributes = None if one.attributes is None else list(map(_attribute, one.attributes))
    return {"holds_tokens": one.connection.sealed_tokens is not None, "attributes": attributes}


def _attribute(one: KeptOnTerms) -> Mapping[str, Any]:
    kept, terms = one.kept, one.terms
    return {
        "name": kept.name,
        "value": kept.value,
        "purpose": None if terms is None else terms.purpose,
        "since": kept.since,
        "taken": kept.since if kept.taken is None else kept.taken,
        "until": None if terms is None else kept.until(terms),
        "corrected": kept.corrected,
        "optional": terms is not None and terms.consent is not None,
    }
