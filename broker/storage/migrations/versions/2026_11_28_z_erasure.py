"""Users can be erased: keys live apart, with the tombstones, and what Providers are yet to be told outlives them."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Text

revision = "2026_11_28_z_erasure"
down_revision = "2026_11_28_user_agreed"

KEY = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("users", Column("erase_at", BigInteger))
    op.create_index("users_erase_at_idx", "users", ["erase_at"])
    op.create_table(
        "tombstones",
        Column("user_id", KEY, primary_key=True),
        Column("erased_at", BigInteger, nullable=False),
    )
    with op.batch_alter_table("pending_revocations") as table:
        table.alter_column("connection_id", existing_type=KEY, nullable=True)
    # A key that lives apart cannot be referred to: a back-up of the other tables would not come back without it.
    with op.batch_alter_table("signing_keys") as table:
        table.drop_constraint("signing_keys_data_key_id_fkey", type_="foreignkey")
    if op.get_context().dialect.name == "postgresql":
        op.execute("CREATE SCHEMA broker_keys")
        op.execute("ALTER TABLE data_keys SET SCHEMA broker_keys")
        op.execute("ALTER TABLE tombstones SET SCHEMA broker_keys")
