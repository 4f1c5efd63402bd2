"""Applications that act for themselves have scopes; they may prove themselves by keys."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Text

revision = "2026_11_23_scopes"
down_revision = "2026_11_23_revocations"


def upgrade() -> None:
    op.add_column("applications", Column("scopes", Text, nullable=False, server_default="[]"))
    op.add_column("applications", Column("public_keys", Text, nullable=False, server_default="[]"))
