"""What tables in memory hold of one User, by the same columns as on SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from broker.domain.ids import UserId
from broker.domain.revocation import Claim, Notice
from broker.flows.found import Records
from broker.storage.records import RECORDS
from tests.fakes.tables import Tables


def records_of(tables: Tables, user_id: UserId) -> Records:
    """See `Store`."""
    sessions = {s.id for s in tables.sessions.values() if s.user_id == user_id}
    grants = {g.id: g for g in tables.grants.values() if g.session_id in sessions}
    consents = [c for c in tables.consents.values() if c.user_id == user_id]
    authorizations = [a for a in tables.authorizations.values() if a.user_id == user_id]
    named = {g.application_id for g in grants.values()} | {c.application_id for c in consents}
    clients = {a.client_org for a in authorizations}
    connections = {c.id for c in tables.connections.values() if c.user_id == user_id}
    found: dict[str, Iterable[Any]] = {
        "users": [u for u in tables.users.values() if u.id == user_id],
        "identities": [i for i in tables.identities.values() if i.user_id == user_id],
        "data_keys": [k for k in tables.data_keys.values() if k.owner == user_id],
        "connections": [tables.connections[c] for c in connections],
        "sessions": [tables.sessions[s] for s in sessions],
        "grants": list(grants.values()),
        "consents": consents,
        "acceptances": [a for a in tables.acceptances if a.user_id == user_id],
        "choices": [c for c in tables.choices.values() if c.user_id == user_id],
        "authorizations": authorizations,
        "applications": [a for a in tables.applications.values() if a.id in named],
        "client_orgs": [c for c in tables.client_orgs.values() if c.id in clients],
        "pending_revocations": [p for p in tables.pending_revocations.values() if p.connection_id in connections],
        "pending_logouts": [p for p in tables.pending_logouts.values() if p.user_id == user_id],
        "revocations": [n for n in tables.revocations.values() if _means(n, user_id, {*sessions, *grants})],
        "ledger": [asdict(e) | {"id": at} for at, e in tables.ledger.items() if e.user_id == user_id],
    }
    return {name: _in_order(name, rows) for name, rows in found.items()}


def _means(notice: Notice, user_id: UserId, ids: set[Any]) -> bool:
    return notice.value == user_id if notice.claim is Claim.SUB else notice.value in ids


def _in_order(name: str, nouns: Iterable[Any]) -> list[Mapping[str, object]]:
    of = RECORDS[name]
    rows = [noun if isinstance(noun, dict) else asdict(noun) for noun in nouns]
    told = [{column: _read(row[column]) for column in of.columns} for row in rows]
    return sorted(told, key=lambda row: [row[column] for column in of.by])


def _read(value: object) -> object:
    if isinstance(value, frozenset):
        return sorted(value)
    return list(value) if isinstance(value, tuple) else value
