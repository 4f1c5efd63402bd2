"""The ledger is chained, its heads are signed; events tell what was released, and may hold something sealed."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, LargeBinary, Text, text

revision = "2026_11_29_ledger_chain"
down_revision = "2026_11_28_user_agreed"

# As in the table `revocations`: below the smallest transaction that still runs nothing is left to come. A database that
# was restored into another cluster finds its transactions counted from the start; `broker migrate` makes another era
# then, so that new keys come after those that are there.
ERA = "CREATE FUNCTION ledger_era() RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT 0::bigint'"
ENTRY = """
ALTER TABLE ledger ALTER COLUMN id
SET DEFAULT ((pg_current_xact_id()::text::bigint + ledger_era()) << 20) | (nextval('ledger_id_seq') & 1048575)
"""
# A key that SQLite has given once it must not give again, also where the last row was pruned.
AGAIN = """
CREATE TABLE ledger (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at BIGINT NOT NULL,
    action TEXT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    request_id TEXT NOT NULL,
    user_id TEXT,
    application_id TEXT,
    registration TEXT,
    client_org TEXT,
    object_id TEXT,
    released TEXT DEFAULT '[]' NOT NULL,
    ground TEXT DEFAULT '' NOT NULL,
    sealed BLOB
)
"""
BEFORE = "id, at, action, outcome, reason, request_id, user_id, application_id, registration, client_org, object_id"


def upgrade() -> None:
    op.add_column("grants", Column("released", Text, nullable=False, server_default="[]"))
    if op.get_bind().dialect.name == "postgresql":
        op.add_column("ledger", Column("released", Text, nullable=False, server_default="[]"))
        op.add_column("ledger", Column("ground", Text, nullable=False, server_default=text("''")))
        op.add_column("ledger", Column("sealed", LargeBinary))
        op.execute(ERA)
        op.execute(ENTRY)
    else:
        op.execute("ALTER TABLE ledger RENAME TO ledger_before")
        op.execute(AGAIN)
        op.execute(f"INSERT INTO ledger ({BEFORE}) SELECT {BEFORE} FROM ledger_before ORDER BY id")  # noqa: S608
        op.execute("DROP TABLE ledger_before")
    op.create_index("ledger_user_id_id_idx", "ledger", ["user_id", "id"])
    tells, marks = text("released != '[]'"), text("action IN ('ledger.prune', 'policy.in_force')")
    op.create_index("ledger_released_idx", "ledger", ["user_id", "id"], postgresql_where=tells, sqlite_where=tells)
    op.create_index("ledger_marks_idx", "ledger", ["action", "id"], postgresql_where=marks, sqlite_where=marks)
    op.create_table(
        "ledger_links",
        Column("position", BigInteger, primary_key=True, autoincrement=False),
        Column("event_id", BigInteger, nullable=False, unique=True),
        Column("event_hash", LargeBinary, nullable=False),
        Column("chain_hash", LargeBinary, nullable=False),
    )
    op.create_table(
        "ledger_heads",
        Column("position", BigInteger, primary_key=True, autoincrement=False),
        Column("at", BigInteger, nullable=False),
        Column("signed", Text, nullable=False),
    )
