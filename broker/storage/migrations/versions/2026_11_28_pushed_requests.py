"""Applications may have to push their authorize requests."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Integer

revision = "2026_11_28_pushed_requests"
down_revision = "2026_11_28_logouts"


def upgrade() -> None:
    op.add_column("applications", Column("requires_pushed_requests", Integer, nullable=False, server_default="0"))
