"""Applications may stand behind a gateway."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Integer

revision = "2026_11_28_gateways"
down_revision = "2026_11_28_dpop"


def upgrade() -> None:
    op.add_column("applications", Column("gateway", Integer, nullable=False, server_default="0"))
