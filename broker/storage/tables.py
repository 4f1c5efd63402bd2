"""Owns the tables, the same on SQLite and PostgreSQL: what is unique, who refers to whom, what is looked up by what.

Refuses personal data: people are ids, what is kept about them is sealed, what only needs comparing is a keyed hash.
Seconds since the epoch are BIGINT, truth is 0 or 1, sets and lists are JSON text.
"""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    ColumnClause,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    and_,
    event,
    literal_column,
)

from broker.domain import connection, outbox, signing_key
from broker.domain.outbox import RevocationResult

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    }
)

# Keys are compared byte by byte: a database's own language would make each comparison several times as dear.
_KEY = Text().with_variant(Text(collation="C"), "postgresql")
_TIME = BigInteger()
_ROOM_TO_UPDATE = {"fillfactor": "80"}  # an update finds room on the same page, and leaves the indexes alone

users = Table(
    "users",
    metadata,
    Column("id", _KEY, primary_key=True),
    Column("status", Text, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("epoch", BigInteger, nullable=False, server_default="0"),
)

identities = Table(
    "identities",
    metadata,
    Column("id", _KEY, primary_key=True),
    Column("hash", _KEY, nullable=False, unique=True),
    Column("registration", Text, nullable=False),
    Column("user_id", _KEY, ForeignKey("users.id"), nullable=False, index=True),
    Column("created_at", _TIME, nullable=False),
)

# A table of its own and without references, so that it can be backed up apart and for a shorter time.
data_keys = Table(
    "data_keys",
    metadata,
    Column("id", _KEY, primary_key=True),
    Column("owner", _KEY, nullable=False, unique=True),
    Column("kek_id", _KEY, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Index("data_keys_kek_id_id_idx", "kek_id", "id"),
)

connections = Table(
    connection.TABLE,
    metadata,
    Column("id", _KEY, primary_key=True),
    Column("user_id", _KEY, ForeignKey("users.id"), nullable=False, index=True),
    Column("identity_id", _KEY, ForeignKey("identities.id"), nullable=False, unique=True),
    Column("registration", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("sealed_attributes", LargeBinary),
    Column("sealed_tokens", LargeBinary),
    Column("granted_scopes", Text, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("last_used_at", _TIME, nullable=False),
    Column("revoked_at", _TIME),
    postgresql_with=_ROOM_TO_UPDATE,
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", _KEY, primary_key=True),
    Column("secret", _KEY, nullable=False, unique=True),
    Column("user_id", _KEY, ForeignKey("users.id"), nullable=False, index=True),
    Column("connection_id", _KEY, ForeignKey("connections.id"), nullable=False, index=True),
    Column("browser", Text, nullable=False),
    Column("auth_time", _TIME, nullable=False, index=True),
    Column("last_seen_at", _TIME, nullable=False),
    Column("ended_at", _TIME),
    Column("upstream_sid", _KEY, index=True),
    postgresql_with=_ROOM_TO_UPDATE,
)

taken_attempts = Table(
    "taken_attempts",
    metadata,
    Column("id", _KEY, primary_key=True),
    Column("expires_at", _TIME, nullable=False, index=True),
)

applications = Table(
    "applications",
    metadata,
    Column("id", _KEY, primary_key=True),
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
    Column("id", _KEY, primary_key=True),
    Column("code", _KEY, nullable=False, unique=True),
    Column("application_id", _KEY, ForeignKey("applications.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("user_id", _KEY, nullable=False),
    Column("session_id", _KEY, ForeignKey("sessions.id"), nullable=False, index=True),
    Column("redirect_uri", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("organization", Text),
    Column("nonce", Text),
    Column("code_challenge", Text, nullable=False),
    Column("auth_time", _TIME, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("kept_until", _TIME, nullable=False, server_default="0", index=True),
    Column("redeemed_at", _TIME),
    Column("revoked_at", _TIME),
    Column("generation", Integer, nullable=False, server_default="0"),
    Column("refreshed_at", _TIME),
    Column("revoked_for", Text),
    Column("dismissed_at", _TIME),
    Column("dpop_jkt", Text),
    postgresql_with=_ROOM_TO_UPDATE,
)

device_requests = Table(
    "device_requests",
    metadata,
    Column("id", _KEY, primary_key=True),
    Column("device_code", _KEY, nullable=False, unique=True),
    Column("user_code", _KEY, nullable=False, unique=True),
    Column("application_id", _KEY, ForeignKey("applications.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("scopes", Text, nullable=False),
    Column("organization", Text),
    Column("created_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False, index=True),
    Column("decision", Text, nullable=False),
    Column("last_polled_at", _TIME),
    Column("interval", Integer, nullable=False),
)

consents = Table(
    "consents",
    metadata,
    Column("user_id", _KEY, ForeignKey("users.id"), primary_key=True),
    Column("application_id", _KEY, ForeignKey("applications.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("scopes", Text, nullable=False),
    Column("given_at", _TIME, nullable=False),
)

client_orgs = Table(
    "client_orgs",
    metadata,
    Column("id", _KEY, primary_key=True),
    Column("name", Text, nullable=False),
    Column("rights", Text, nullable=False),
)

authorizations = Table(
    "authorizations",
    metadata,
    Column("id", _KEY, primary_key=True),
    Column("client_org", _KEY, ForeignKey("client_orgs.id", ondelete="CASCADE"), nullable=False),
    Column("invited_email", _KEY, nullable=False, index=True),
    Column("user_id", _KEY, ForeignKey("users.id"), index=True),
    Column("rights", Text, nullable=False),
    Column("created_at", _TIME, nullable=False),
    UniqueConstraint("client_org", "invited_email"),
)

pending_revocations = Table(
    outbox.TABLE,
    metadata,
    Column("id", _KEY, primary_key=True),
    Column("connection_id", _KEY, ForeignKey("connections.id"), nullable=False, index=True),
    Column("user_id", _KEY, nullable=False),
    Column("registration", Text, nullable=False),
    Column("sealed_token", LargeBinary),
    Column("tries", Integer, nullable=False),
    Column("next_try_at", _TIME, nullable=False),
    Column("created_at", _TIME, nullable=False),
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
    Column("about", _KEY, primary_key=True),
    Column("application_id", _KEY, primary_key=True),
    Column("user_id", _KEY, nullable=False),
    Column("session_id", _KEY),
    Column("tries", Integer, nullable=False),
    Column("next_try_at", _TIME, nullable=False),
    Column("created_at", _TIME, nullable=False, index=True),
    Column("result", Text, nullable=False),
    Index("pending_logouts_due_idx", "application_id", "next_try_at", postgresql_where=_untold, sqlite_where=_untold),
)

signing_keys = Table(
    signing_key.TABLE,
    metadata,
    Column("kid", _KEY, primary_key=True),
    Column("alg", Text, nullable=False),
    Column("active", Integer, nullable=False),
    Column("public_jwk", Text, nullable=False),
    Column("sealed_private", LargeBinary, nullable=False),
    Column("data_key_id", _KEY, ForeignKey("data_keys.id"), nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("activated_at", _TIME),
    Column("retired_at", _TIME),
    Column("revoked_at", _TIME),
)
_is_active = signing_keys.c.active == 1
Index(
    "signing_keys_active_idx",
    signing_keys.c.alg,
    unique=True,
    postgresql_where=_is_active,
    sqlite_where=_is_active,
)
_waits = and_(signing_keys.c.active == 0, signing_keys.c.retired_at.is_(None), signing_keys.c.revoked_at.is_(None))
Index("signing_keys_pending_idx", signing_keys.c.alg, unique=True, postgresql_where=_waits, sqlite_where=_waits)

key_checks = Table(
    "key_checks",
    metadata,
    Column("name", _KEY, primary_key=True),
    Column("value", _KEY, nullable=False),
)

# Refers to nothing, as it outlives what it speaks of. Its key is the cursor of the feed, and made by the database: on
# PostgreSQL out of the transaction's number and a sequence (the migration says how), on SQLite it is never used again.
revocations = Table(
    "revocations",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("claim", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("epoch", BigInteger),
    Column("before", _TIME),
    Column("until", _TIME, nullable=False, index=True),
    sqlite_autoincrement=True,
)
_CURSOR = """
ALTER TABLE revocations ALTER COLUMN id
SET DEFAULT (pg_current_xact_id()::text::bigint << 20) | (nextval('revocations_id_seq') & 1048575)
"""
event.listen(revocations, "after_create", DDL(_CURSOR).execute_if(dialect="postgresql"))  # type: ignore[no-untyped-call]

# Refers to nothing, as it outlives what it speaks of.
ledger = Table(
    "ledger",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", _TIME, nullable=False),
    Column("action", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("user_id", Text),
    Column("application_id", Text),
    Column("registration", Text),
    Column("client_org", Text),
    Column("object_id", Text),
)

leases = Table(
    "leases",
    metadata,
    Column("name", _KEY, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("expires_at", _TIME, nullable=False),
)
