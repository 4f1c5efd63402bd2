"""Owns the tables of the broker itself, which are of no User: keys that sign, the feed, the ledger and its
chain, leases.

Refuses personal data, as all tables do.
"""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    and_,
    event,
    text,
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

# Refers to nothing, as it outlives what it speaks of. Its key is made as that of `revocations` is, so that no late
# commit comes before what is chained; an era is added, for a cluster that counts its transactions from the start.
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
    Column("released", Text, nullable=False, server_default="[]"),
    Column("ground", Text, nullable=False, server_default=text("''")),
    Column("sealed", LargeBinary),
    Index("ledger_user_id_id_idx", "user_id", "id"),
    sqlite_autoincrement=True,
)
_tells = and_(ledger.c.released != "[]")
Index("ledger_released_idx", ledger.c.user_id, ledger.c.id, postgresql_where=_tells, sqlite_where=_tells)
_marks = ledger.c.action.in_(("ledger.prune", "policy.in_force"))
Index("ledger_marks_idx", ledger.c.action, ledger.c.id, postgresql_where=_marks, sqlite_where=_marks)
_ERA = "CREATE OR REPLACE FUNCTION ledger_era() RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT 0::bigint'"
_ENTRY = """
ALTER TABLE ledger ALTER COLUMN id
SET DEFAULT ((pg_current_xact_id()::text::bigint + ledger_era()) << 20) | (nextval('ledger_id_seq') & 1048575)
"""
for _made in (_ERA, _ENTRY):
    event.listen(ledger, "after_create", DDL(_made).execute_if(dialect="postgresql"))  # type: ignore[no-untyped-call]

# Of events that are pruned later the links stay, so it refers to nothing.
ledger_links = Table(
    "ledger_links",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", BigInteger, nullable=False, unique=True),
    Column("event_hash", LargeBinary, nullable=False),
    Column("chain_hash", LargeBinary, nullable=False),
)

ledger_heads = Table(
    "ledger_heads",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("at", TIME, nullable=False),
    Column("signed", Text, nullable=False),
)

# Refers to its User, so that nobody is erased whom a hold speaks of, whatever else may be wrong.
holds = Table(
    "holds",
    metadata,
    Column("user_id", KEY, ForeignKey("users.id"), primary_key=True),
    Column("reference", Text, nullable=False),
    Column("since", TIME, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", KEY, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("expires_at", TIME, nullable=False),
)
