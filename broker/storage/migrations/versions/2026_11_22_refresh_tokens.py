"""Grants count how often their refresh token was rotated, and say until when they are kept."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer

revision = "2026_11_22_refresh_tokens"
down_revision = "2026_11_22_first_tables"


def upgrade() -> None:
    op.add_column("grants", Column("generation", Integer, nullable=False, server_default="0"))
    op.add_column("grants", Column("refreshed_at", BigInteger))
    op.add_column("grants", Column("kept_until", BigInteger, nullable=False, server_default="0"))
    op.execute("UPDATE grants SET kept_until = created_at + 43260")  # the longest Session, and the life of a code
    op.create_index("grants_kept_until_idx", "grants", ["kept_until"])
