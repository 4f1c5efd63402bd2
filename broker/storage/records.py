"""Owns finding everything that the tables hold of one User: which rows, which columns, and what is left out, and why.

Refuses to forget: a column is named here or in `LEFT_OUT`, and a test holds that of every table that there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    and_,
    bindparam,
    literal_column,
    or_,
    select,
    union_all,
)

from broker.domain.revocation import Claim
from broker.flows.found import Records
from broker.storage.columns import metadata
from broker.storage.driver_sql import json_array
from broker.storage.rows import Row
from broker.storage.tables import (
    acceptances,
    applications,
    authorizations,
    choices,
    client_orgs,
    connections,
    consents,
    data_keys,
    grants,
    identities,
    ledger,
    pending_logouts,
    pending_revocations,
    revocations,
    sessions,
    users,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Of:
    """How a table speaks of a User: `columns` of those rows. They come in the order of the columns `by`."""

    rows: ColumnElement[bool]
    columns: tuple[str, ...]
    by: tuple[str, ...] = ("id",)


_ID: BindParameter[str] = bindparam("user_id")
_sessions = select(sessions.c.id).where(sessions.c.user_id == _ID)
_grants = select(grants.c.id).where(grants.c.session_id.in_(_sessions))
_connections = select(connections.c.id).where(connections.c.user_id == _ID)


def _notice(claim: Claim, value: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(revocations.c.claim == literal_column(f"'{claim}'"), value)


RECORDS: Mapping[str, Of] = {
    "users": Of(rows=users.c.id == _ID, columns=("id", "status", "created_at", "epoch", "accepted", "erase_at")),
    "identities": Of(
        rows=identities.c.user_id == _ID, columns=("id", "registration", "created_at"), by=("created_at", "id")
    ),
    "data_keys": Of(rows=data_keys.c.owner == _ID, columns=("id", "created_at")),
    "connections": Of(
        rows=connections.c.user_id == _ID,
        columns=(
            *("id", "identity_id", "registration", "status", "granted_scopes", "generation"),
            *("created_at", "last_used_at", "revoked_at"),
        ),
        by=("created_at", "id"),
    ),
    "sessions": Of(
        rows=sessions.c.user_id == _ID,
        columns=("id", "connection_id", "browser", "auth_time", "last_seen_at", "ended_at"),
        by=("auth_time", "id"),
    ),
    "grants": Of(
        rows=grants.c.session_id.in_(_sessions),
        columns=(
            *("id", "application_id", "session_id", "redirect_uri", "scopes", "organization", "auth_time"),
            *("created_at", "kept_until", "redeemed_at", "revoked_at", "generation", "refreshed_at"),
            *("revoked_for", "dismissed_at", "dpop_jkt", "released"),
        ),
        by=("created_at", "id"),
    ),
    "consents": Of(
        rows=consents.c.user_id == _ID, columns=("application_id", "scopes", "given_at"), by=("application_id",)
    ),
    "acceptances": Of(rows=acceptances.c.user_id == _ID, columns=("document", "version", "at"), by=("at", "document")),
    "choices": Of(rows=choices.c.user_id == _ID, columns=("subject", "agreed", "at"), by=("subject",)),
    "authorizations": Of(
        rows=authorizations.c.user_id == _ID, columns=("id", "client_org", "rights", "created_at"), by=("client_org",)
    ),
    "applications": Of(
        rows=or_(
            applications.c.id.in_(select(grants.c.application_id).where(grants.c.session_id.in_(_sessions))),
            applications.c.id.in_(select(consents.c.application_id).where(consents.c.user_id == _ID)),
        ),
        columns=("id", "name"),
    ),
    "client_orgs": Of(
        rows=client_orgs.c.id.in_(select(authorizations.c.client_org).where(authorizations.c.user_id == _ID)),
        columns=("id", "name"),
    ),
    "pending_revocations": Of(
        rows=pending_revocations.c.connection_id.in_(_connections),
        columns=("id", "connection_id", "registration", "tries", "next_try_at", "created_at", "result"),
        by=("created_at", "id"),
    ),
    "pending_logouts": Of(
        rows=pending_logouts.c.user_id == _ID,
        columns=("about", "application_id", "session_id", "tries", "next_try_at", "created_at", "result"),
        by=("created_at", "about", "application_id"),
    ),
    "revocations": Of(
        rows=or_(
            _notice(Claim.SUB, revocations.c.value == _ID),
            _notice(Claim.SID, revocations.c.value.in_(_sessions)),
            _notice(Claim.JTI, revocations.c.value.in_(_grants)),
        ),
        columns=("claim", "value", "epoch", "before", "until"),
        by=("until", "claim", "value"),
    ),
    "ledger": Of(
        rows=ledger.c.user_id == _ID,
        columns=(
            *("id", "at", "action", "outcome", "reason", "request_id", "application_id", "registration"),
            *("client_org", "object_id", "released", "ground"),
        ),
    ),
}
"""Table -> what of it is this User's."""

_WHOSE = "says that the row is this User's"
_HASH = "a keyed hash, from which nobody can read what it was made of, and by which somebody could be recognised"
_OUR_OWN = "the broker's own, of no User"
_DECLARED = "the Application's own declaration"
_SEALED = "opened instead: `attributes`"
LEFT_OUT: Mapping[str, str] = {
    "identities.hash": _HASH,
    "identities.user_id": _WHOSE,
    "data_keys.owner": _WHOSE,
    "data_keys.kek_id": "which of the broker's keys wraps the User's",
    "data_keys.wrapped": "the key to all that is sealed",
    "connections.user_id": _WHOSE,
    "connections.sealed_attributes": _SEALED,
    "connections.sealed_tokens": "whoever has a token acts as the User at the Provider: told is only that it is held",
    "sessions.user_id": _WHOSE,
    "sessions.secret": _HASH,
    "sessions.upstream_sid": _HASH,
    "grants.user_id": _WHOSE,
    "grants.code": _HASH,
    "grants.nonce": "chosen by the Application for its own protection",
    "grants.code_challenge": "chosen by the Application for its own protection",
    "consents.user_id": _WHOSE,
    "acceptances.user_id": _WHOSE,
    "choices.user_id": _WHOSE,
    "authorizations.user_id": _WHOSE,
    "authorizations.invited_email": _HASH,
    "pending_revocations.user_id": _WHOSE,
    "pending_revocations.sealed_token": "as of the Connection's tokens: told is only that it waits",
    "pending_logouts.user_id": _WHOSE,
    "revocations.id": "a place in the feed of notices",
    "ledger.user_id": _WHOSE,
    "ledger.sealed": "opened instead: `address`",
    "client_orgs.rights": "the Client's own declaration",
    **{
        f"applications.{column.name}": _DECLARED
        for column in applications.columns
        if column.name not in RECORDS["applications"].columns
    },
    "taken_attempts": "random ids that were used up, of no User",
    "device_requests": "of no User; one that somebody let in is a Grant of theirs",
    "tombstones": "of Users who are gone",
    "holds": "who has to be kept may be forbidden to be told",
    "ledger_links": "hashes, of no User",
    "ledger_heads": _OUR_OWN,
    "signing_keys": _OUR_OWN,
    "key_checks": _OUR_OWN,
    "leases": _OUR_OWN,
}
"""A table, or a column of one in `RECORDS` -> why no archive has it."""

_LISTS = frozenset({"scopes", "granted_scopes", "rights", "released"})
_FLAGS = frozenset({"agreed"})

RECORDS_OF: CompoundSelect[str, str] = union_all(
    *(
        select(literal_column(f"'{name}'"), json_array(*(metadata.tables[name].c[c] for c in of.columns))).where(
            of.rows
        )
        for name, of in RECORDS.items()
    )
)


def records(found: Sequence[Row]) -> Records:
    """Of `RECORDS_OF`: every table, also one without a row."""
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in RECORDS}
    for name, values in found:
        columns = RECORDS[name].columns
        rows[name].append({c: _read(c, value) for c, value in zip(columns, orjson.loads(values), strict=True)})
    return {name: sorted(of, key=lambda row: [row[c] for c in RECORDS[name].by]) for name, of in rows.items()}


def _read(column: str, value: object) -> object:
    if column in _LISTS:
        return orjson.loads(str(value))
    return bool(value) if column in _FLAGS else value
