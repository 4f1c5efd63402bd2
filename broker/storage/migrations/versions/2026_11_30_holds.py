"""Users may be held: nothing of theirs goes by a rule of retention."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKey, Text

revision = "2026_11_30_holds"
down_revision = "2026_11_29_ledger_chain"

KEY = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "holds",
        Column("user_id", KEY, ForeignKey("users.id"), primary_key=True),
        Column("reference", Text, nullable=False),
        Column("since", BigInteger, nullable=False),
    )
