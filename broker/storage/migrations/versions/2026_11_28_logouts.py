"""Applications are told when a Session ends; a Session knows by a hash in which session at its Provider it began."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, Text, text

revision = "2026_11_28_logouts"
down_revision = "2026_11_28_gateways"

KEY = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("sessions", Column("upstream_sid", KEY))
    op.add_column("applications", Column("backchannel_logout_uri", Text))
    op.create_index("sessions_upstream_sid_idx", "sessions", ["upstream_sid"])
    op.create_table(
        "pending_logouts",
        Column("about", KEY, primary_key=True),
        Column("application_id", KEY, primary_key=True),
        Column("user_id", KEY, nullable=False),
        Column("session_id", KEY),
        Column("tries", Integer, nullable=False),
        Column("next_try_at", BigInteger, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("result", Text, nullable=False),
    )
    op.create_index("pending_logouts_created_at_idx", "pending_logouts", ["created_at"])
    untold = text("result = 'pending'")
    op.create_index(
        "pending_logouts_due_idx",
        "pending_logouts",
        ["application_id", "next_try_at"],
        postgresql_where=untold,
        sqlite_where=untold,
    )
