"""Grants may be bound to a key, and Applications take no tokens that are not."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Integer, Text

revision = "2026_11_28_dpop"
down_revision = "2026_11_28_device"


def upgrade() -> None:
    op.add_column("applications", Column("dpop", Integer, nullable=False, server_default="0"))
    op.add_column("grants", Column("dpop_jkt", Text))
