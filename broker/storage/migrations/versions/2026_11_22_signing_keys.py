"""Signing keys go through states, one active and one pending of each algorithm; an Application may choose its own."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Text, text

revision = "2026_11_22_signing_keys"
down_revision = "2026_11_22_refresh_tokens"

ACTIVE = text("active = 1")
WAITS = text("active = 0 AND retired_at IS NULL AND revoked_at IS NULL")


def upgrade() -> None:
    for name in ("activated_at", "retired_at", "revoked_at"):
        op.add_column("signing_keys", Column(name, BigInteger))
    op.drop_index("signing_keys_one_active_key", "signing_keys")
    for name, where in (("signing_keys_active_idx", ACTIVE), ("signing_keys_pending_idx", WAITS)):
        op.create_index(name, "signing_keys", ["alg"], unique=True, postgresql_where=where, sqlite_where=where)
    op.add_column("applications", Column("signing_algorithm", Text))
