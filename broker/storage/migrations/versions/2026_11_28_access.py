"""Grants say what they were revoked for, and when their User put the warning about it away."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Text

revision = "2026_11_28_access"
down_revision = "2026_11_23_scopes"


def upgrade() -> None:
    op.add_column("grants", Column("revoked_for", Text))
    op.add_column("grants", Column("dismissed_at", BigInteger))
