"""Users accept versions of the legal documents, and agree to what is optional."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, Text

revision = "2026_11_28_user_agreed"
down_revision = "2026_11_28_token_exchange"

KEY = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("users", Column("accepted", Text))
    op.create_table(
        "acceptances",
        Column("user_id", KEY, ForeignKey("users.id"), primary_key=True),
        Column("document", KEY, primary_key=True),
        Column("version", KEY, primary_key=True),
        Column("at", BigInteger, primary_key=True),
    )
    op.create_table(
        "choices",
        Column("user_id", KEY, ForeignKey("users.id"), primary_key=True),
        Column("subject", KEY, primary_key=True),
        Column("agreed", Integer, nullable=False),
        Column("at", BigInteger, nullable=False),
    )
