"""Notices of what is no longer good, in the order in which they became true; Users have an epoch of rights."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, Text

revision = "2026_11_23_revocations"
down_revision = "2026_11_22_signing_keys"

# Numbers of a sequence are handed out in one order and committed in another, so whoever has read the highest one may
# have missed a smaller one. Transactions' numbers can be compared with those that still run: below the smallest of
# these nothing is left to come. So a row's key begins with its transaction's number; the last 20 bits tell the rows of
# one transaction apart, of which there may be a million.
CURSOR = """
ALTER TABLE revocations ALTER COLUMN id
SET DEFAULT (pg_current_xact_id()::text::bigint << 20) | (nextval('revocations_id_seq') & 1048575)
"""


def upgrade() -> None:
    op.add_column("users", Column("epoch", BigInteger, nullable=False, server_default="0"))
    op.create_table(
        "revocations",
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        Column("claim", Text, nullable=False),
        Column("value", Text, nullable=False),
        Column("epoch", BigInteger),
        Column("before", BigInteger),
        Column("until", BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("revocations_until_idx", "revocations", ["until"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(CURSOR)
