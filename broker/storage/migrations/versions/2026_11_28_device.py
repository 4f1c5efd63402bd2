"""Devices without a browser ask, and somebody answers them elsewhere."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, Text

revision = "2026_11_28_device"
down_revision = "2026_11_28_access"

_KEY = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "device_requests",
        Column("id", _KEY, primary_key=True),
        Column("device_code", _KEY, nullable=False, unique=True),
        Column("user_code", _KEY, nullable=False, unique=True),
        Column("application_id", _KEY, ForeignKey("applications.id", ondelete="CASCADE"), nullable=False),
        Column("scopes", Text, nullable=False),
        Column("organization", Text),
        Column("created_at", BigInteger, nullable=False),
        Column("expires_at", BigInteger, nullable=False),
        Column("decision", Text, nullable=False),
        Column("last_polled_at", BigInteger),
        Column("interval", Integer, nullable=False),
    )
    op.create_index("device_requests_application_id_idx", "device_requests", ["application_id"])
    op.create_index("device_requests_expires_at_idx", "device_requests", ["expires_at"])
