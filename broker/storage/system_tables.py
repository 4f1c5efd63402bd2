"""Owns the tables of the broker itself, which are of no User: keys that sign, the feed, the ledger, leases.

Refuses personal data, as all tables do.
"""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    and_,
    event,
)

from broker.domain import signing_key
from broker.storage.columns import KEY, TIME, metadata

signing_keys = Table(
    signing_key.TABLE,
    metadata,
    Column("kid", KEY, primary_key=True),
    Column("alg", Text, nullable=False),
    Column("active", Integer, nullable=False),
    Column("public_jwk", Text, nullable=False),
    Column("sealed_private", LargeBinary, nullable=False),
    Column("data_key_id", KEY, nullable=False),
    Column("created_at", TIME, nullable=False),
    Column("activated_at", TIME),
    Column("retired_at", TIME),
    Column("revoked_at", TIME),
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
    Column("name", KEY, primary_key=True),
    Column("value", KEY, nullable=False),
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
    Column("before", TIME),
    Column("until", TIME, nullable=False, index=True),
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
    Column("at", TIME, nullable=False),
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
    Column("name", KEY, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("expires_at", TIME, nullable=False),
)
