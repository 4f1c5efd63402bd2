"""Owns the tables, the same on SQLite and PostgreSQL: what is unique, who refers to whom, what is looked up by what.

Refuses personal data: people are ids, what is kept about them is sealed, what only needs comparing is a keyed hash.
Seconds since the epoch are BIGINT, truth is 0 or 1, sets and lists are JSON text.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnClause,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
)

from broker.domain import connection, outbox
from broker.domain.outbox import RevocationResult
from broker.storage.columns import KEY, ROOM_TO_UPDATE, TIME, metadata
from broker.storage.system_tables import (
    holds,
    key_checks,
    leases,
    ledger,
    ledger_heads,
    ledger_links,
    revocations,
    signing_keys,
)

__all__ = [
    "PENDING",
    "acceptances",
    "applications",
    "authorizations",
    "choices",
    "client_orgs",
    "connections",
    "consents",
    "data_keys",
    "device_requests",
    "grants",
    "holds",
    "identities",
    "key_checks",
    "leases",
    "ledger",
    "ledger_heads",
    "ledger_links",
    "metadata",
    "pending_logouts",
    "pending_revocations",
    "revocations",
    "sessions",
    "signing_keys",
    "taken_attempts",
    "tombstones",
    "users",
]

users = Table(
    "users",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("status", Text, nullable=False),
    Column("created_at", TIME, nullable=False),
    Column("epoch", BigInteger, nullable=False, server_default="0"),
    Column("accepted", Text),
    Column("erase_at", TIME, index=True),
)

acceptances = Table(
    "acceptances",
    metadata,
    Column("user_id", KEY, ForeignKey("users.id"), primary_key=True),
    Column("document", KEY, primary_key=True),
    Column("version", KEY, primary_key=True),
    Column("at", TIME, primary_key=True),
)

choices = Table(
    "choices",
    metadata,
    Column("user_id", KEY, ForeignKey("users.id"), primary_key=True),
    Column("subject", KEY, primary_key=True),
    Column("agreed", Integer, nullable=False),
    Column("at", TIME, nullable=False),
)

identities = Table(
    "identities",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("hash", KEY, nullable=False, unique=True),
    Column("registration", Text, nullable=False),
    Column("user_id", KEY, ForeignKey("users.id"), nullable=False, index=True),
    Column("created_at", TIME, nullable=False),
)

# On PostgreSQL these two are in a schema of their own, and they refer to nothing: so they can be backed up apart, the
# keys for a shorter time. Who has a tombstone was erased, whatever a back-up of the other tables brings back.
tombstones = Table(
    "tombstones",
    metadata,
    Column("user_id", KEY, primary_key=True),
    Column("erased_at", TIME, nullable=False),
)
data_keys = Table(
    "data_keys",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("owner", KEY, nullable=False, unique=True),
    Column("kek_id", KEY, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("created_at", TIME, nullable=False),
    Index("data_keys_kek_id_id_idx", "kek_id", "id"),
)

connections = Table(
    connection.TABLE,
    metadata,
    Column("id", KEY, primary_key=True),
    Column("user_id", KEY, ForeignKey("users.id"), nullable=False, index=True),
    Column("identity_id", KEY, ForeignKey("identities.id"), nullable=False, unique=True),
    Column("registration", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("sealed_attributes", LargeBinary),
    Column("sealed_tokens", LargeBinary),
    Column("granted_scopes", Text, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("created_at", TIME, nullable=False),
    Column("last_used_at", TIME, nullable=False),
    Column("revoked_at", TIME),
    postgresql_with=ROOM_TO_UPDATE,
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("secret", KEY, nullable=False, unique=True),
    Column("user_id", KEY, ForeignKey("users.id"), nullable=False, index=True),
    Column("connection_id", KEY, ForeignKey("connections.id"), nullable=False, index=True),
    Column("browser", Text, nullable=False),
    Column("auth_time", TIME, nullable=False, index=True),
    Column("last_seen_at", TIME, nullable=False),
    Column("ended_at", TIME),
    Column("upstream_sid", KEY, index=True),
    postgresql_with=ROOM_TO_UPDATE,
)

taken_attempts = Table(
    "taken_attempts",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("expires_at", TIME, nullable=False, index=True),
)

applications = Table(
    "applications",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("secrets", Text, nullable=False),
    Column("grants", Text, nullable=False),
    Column("redirect_uris", Text, nullable=False),
    Column("post_logout_redirect_uris", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("first_party", Integer, nullable=False),
    Column("requires_authorization", Integer, nullable=False),
    Column("signing_algorithm", Text),
    Column("scopes", Text, nullable=False, server_default="[]"),
    Column("public_keys", Text, nullable=False, server_default="[]"),
    Column("exchange_audiences", Text, nullable=False, server_default="[]"),
    Column("gateway", Integer, nullable=False, server_default="0"),
    Column("requires_pushed_requests", Integer, nullable=False, server_default="0"),
    Column("backchannel_logout_uri", Text),
    Column("dpop", Integer, nullable=False, server_default="0"),
)

grants = Table(
    "grants",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("code", KEY, nullable=False, unique=True),
    Column("application_id", KEY, ForeignKey("applications.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("user_id", KEY, nullable=False),
    Column("session_id", KEY, ForeignKey("sessions.id"), nullable=False, index=True),
    Column("redirect_uri", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("organization", Text),
    Column("nonce", Text),
    Column("code_challenge", Text, nullable=False),
    Column("auth_time", TIME, nullable=False),
    Column("created_at", TIME, nullable=False),
    Column("kept_until", TIME, nullable=False, server_default="0", index=True),
    Column("redeemed_at", TIME),
    Column("revoked_at", TIME),
    Column("generation", Integer, nullable=False, server_default="0"),
    Column("refreshed_at", TIME),
    Column("revoked_for", Text),
    Column("dismissed_at", TIME),
    Column("dpop_jkt", Text),
    Column("released", Text, nullable=False, server_default="[]"),
    postgresql_with=ROOM_TO_UPDATE,
)

device_requests = Table(
    "device_requests",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("device_code", KEY, nullable=False, unique=True),
    Column("user_code", KEY, nullable=False, unique=True),
    Column("application_id", KEY, ForeignKey("applications.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("scopes", Text, nullable=False),
    Column("organization", Text),
    Column("created_at", TIME, nullable=False),
    Column("expires_at", TIME, nullable=False, index=True),
    Column("decision", Text, nullable=False),
    Column("last_polled_at", TIME),
    Column("interval", Integer, nullable=False),
)

consents = Table(
    "consents",
    metadata,
    Column("user_id", KEY, ForeignKey("users.id"), primary_key=True),
    Column("application_id", KEY, ForeignKey("applications.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("scopes", Text, nullable=False),
    Column("given_at", TIME, nullable=False),
)

client_orgs = Table(
    "client_orgs",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("name", Text, nullable=False),
    Column("rights", Text, nullable=False),
)

authorizations = Table(
    "authorizations",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("client_org", KEY, ForeignKey("client_orgs.id", ondelete="CASCADE"), nullable=False),
    Column("invited_email", KEY, nullable=False, index=True),
    Column("user_id", KEY, ForeignKey("users.id"), index=True),
    Column("rights", Text, nullable=False),
    Column("created_at", TIME, nullable=False),
    UniqueConstraint("client_org", "invited_email"),
)

pending_revocations = Table(
    outbox.TABLE,
    metadata,
    Column("id", KEY, primary_key=True),
    Column("connection_id", KEY, ForeignKey("connections.id"), index=True),
    Column("user_id", KEY, nullable=False),
    Column("registration", Text, nullable=False),
    Column("sealed_token", LargeBinary),
    Column("tries", Integer, nullable=False),
    Column("next_try_at", TIME, nullable=False),
    Column("created_at", TIME, nullable=False),
    Column("result", Text, nullable=False),
)
PENDING: ColumnClause[str] = literal_column(f"'{RevocationResult.PENDING.value}'")
_is_pending = pending_revocations.c.result == PENDING
Index(
    "pending_revocations_due_idx",
    pending_revocations.c.next_try_at,
    postgresql_where=_is_pending,
    sqlite_where=_is_pending,
)

_untold: ColumnElement[bool] = literal_column("result = 'pending'", Boolean)
# Refers to nothing: nobody's sign-out may fail because an Application is just being removed.
pending_logouts = Table(
    "pending_logouts",
    metadata,
    Column("about", KEY, primary_key=True),
    Column("application_id", KEY, primary_key=True),
    Column("user_id", KEY, nullable=False),
    Column("session_id", KEY),
    Column("tries", Integer, nullable=False),
    Column("next_try_at", TIME, nullable=False),
    Column("created_at", TIME, nullable=False, index=True),
    Column("result", Text, nullable=False),
    Index("pending_logouts_due_idx", "application_id", "next_try_at", postgresql_where=_untold, sqlite_where=_untold),
)
