"""Owns the changes to the ledger."""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.ledger import AuditEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """Append to the ledger."""

    event: AuditEvent
