"""Applications may exchange session JWTs for other services."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Text

revision = "2026_11_28_token_exchange"
down_revision = "2026_11_28_pushed_requests"


def upgrade() -> None:
    op.add_column("applications", Column("exchange_audiences", Text, nullable=False, server_default="[]"))
