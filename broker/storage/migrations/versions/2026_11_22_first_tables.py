"""The first tables."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, Text, UniqueConstraint, text

revision = "2026_11_22_first_tables"
down_revision = None

KEY = Text().with_variant(Text(collation="C"), "postgresql")
TIME = BigInteger()
ROOM_TO_UPDATE = {"fillfactor": "80"}

# What a statement calls when one of its parts lost a race: it then fails as a whole, and says which part it was.
LOST_RACE = """
CREATE FUNCTION lost_race(change text) RETURNS integer LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION USING ERRCODE = 'BR409', MESSAGE = change; END $$
"""


def upgrade() -> None:
    op.create_table(
        "users",
        Column("id", KEY, primary_key=True),
        Column("status", Text, nullable=False),
        Column("created_at", TIME, nullable=False),
    )
    op.create_table(
        "identities",
        Column("id", KEY, primary_key=True),
        Column("hash", KEY, nullable=False, unique=True),
        Column("registration", Text, nullable=False),
        Column("user_id", KEY, ForeignKey("users.id"), nullable=False, index=True),
        Column("created_at", TIME, nullable=False),
    )
    op.create_table(
        "data_keys",
        Column("id", KEY, primary_key=True),
        Column("owner", KEY, nullable=False, unique=True),
        Column("kek_id", KEY, nullable=False),
        Column("wrapped", LargeBinary, nullable=False),
        Column("created_at", TIME, nullable=False),
    )
    op.create_index("data_keys_kek_id_id_idx", "data_keys", ["kek_id", "id"])
    op.create_table(
        "connections",
        Column("id", KEY, primary_key=True),
        Column("user_id", KEY, ForeignKey("users.id"), nullable=False, index=True),
        Column("identity_id", KEY, ForeignKey("identities.id"), nullable=False, unique=True),
        Column("registration", Text, nullable=False),
        Column("status", Text, nullable=False),
        Column("sealed_attributes", LargeBinary),
        Column("sealed_tokens", LargeBinary),
        Column("granted_scopes", Text, nullable=False),
        Column("generation", BigInteger, nullable=False),
        Column("created_at", TIME, nullable=False),
        Column("last_used_at", TIME, nullable=False),
        Column("revoked_at", TIME),
        postgresql_with=ROOM_TO_UPDATE,
    )
    op.create_table(
        "sessions",
        Column("id", KEY, primary_key=True),
        Column("secret", KEY, nullable=False, unique=True),
        Column("user_id", KEY, ForeignKey("users.id"), nullable=False, index=True),
        Column("connection_id", KEY, ForeignKey("connections.id"), nullable=False, index=True),
        Column("browser", Text, nullable=False),
        Column("auth_time", TIME, nullable=False, index=True),
        Column("last_seen_at", TIME, nullable=False),
        Column("ended_at", TIME),
        postgresql_with=ROOM_TO_UPDATE,
    )
    op.create_table(
        "taken_attempts",
        Column("id", KEY, primary_key=True),
        Column("expires_at", TIME, nullable=False, index=True),
    )
    op.create_table(
        "applications",
        Column("id", KEY, primary_key=True),
        Column("name", Text, nullable=False),
        Column("type", Text, nullable=False),
        Column("secrets", Text, nullable=False),
        Column("grants", Text, nullable=False),
        Column("redirect_uris", Text, nullable=False),
        Column("post_logout_redirect_uris", Text, nullable=False),
        Column("audience", Text, nullable=False),
        Column("first_party", Integer, nullable=False),
        Column("requires_authorization", Integer, nullable=False),
    )
    op.create_table(
        "grants",
        Column("id", KEY, primary_key=True),
        Column("code", KEY, nullable=False, unique=True),
        Column("application_id", KEY, ForeignKey("applications.id", ondelete="CASCADE"), nullable=False, index=True),
        Column("user_id", KEY, nullable=False),
        Column("session_id", KEY, ForeignKey("sessions.id"), nullable=False, index=True),
        Column("redirect_uri", Text, nullable=False),
        Column("scopes", Text, nullable=False),
        Column("organization", Text),
        Column("nonce", Text),
        Column("code_challenge", Text, nullable=False),
        Column("auth_time", TIME, nullable=False),
        Column("created_at", TIME, nullable=False),
        Column("redeemed_at", TIME),
        Column("revoked_at", TIME),
        postgresql_with=ROOM_TO_UPDATE,
    )
    op.create_table(
        "consents",
        Column("user_id", KEY, ForeignKey("users.id"), primary_key=True),
        Column("application_id", KEY, ForeignKey("applications.id", ondelete="CASCADE"), primary_key=True, index=True),
        Column("scopes", Text, nullable=False),
        Column("given_at", TIME, nullable=False),
    )
    op.create_table(
        "client_orgs",
        Column("id", KEY, primary_key=True),
        Column("name", Text, nullable=False),
        Column("rights", Text, nullable=False),
    )
    op.create_table(
        "authorizations",
        Column("id", KEY, primary_key=True),
        Column("client_org", KEY, ForeignKey("client_orgs.id", ondelete="CASCADE"), nullable=False),
        Column("invited_email", KEY, nullable=False, index=True),
        Column("user_id", KEY, ForeignKey("users.id"), index=True),
        Column("rights", Text, nullable=False),
        Column("created_at", TIME, nullable=False),
        UniqueConstraint("client_org", "invited_email"),
    )
    op.create_table(
        "pending_revocations",
        Column("id", KEY, primary_key=True),
        Column("connection_id", KEY, ForeignKey("connections.id"), nullable=False, index=True),
        Column("user_id", KEY, nullable=False),
        Column("registration", Text, nullable=False),
        Column("sealed_token", LargeBinary),
        Column("tries", Integer, nullable=False),
        Column("next_try_at", TIME, nullable=False),
        Column("created_at", TIME, nullable=False),
        Column("result", Text, nullable=False),
    )
    op.create_index(
        "pending_revocations_due_idx",
        "pending_revocations",
        ["next_try_at"],
        postgresql_where=text("result = 'pending'"),
        sqlite_where=text("result = 'pending'"),
    )
    op.create_table(
        "signing_keys",
        Column("kid", KEY, primary_key=True),
        Column("alg", Text, nullable=False),
        Column("active", Integer, nullable=False),
        Column("public_jwk", Text, nullable=False),
        Column("sealed_private", LargeBinary, nullable=False),
        Column("data_key_id", KEY, ForeignKey("data_keys.id"), nullable=False),
        Column("created_at", TIME, nullable=False),
    )
    op.create_index(
        "signing_keys_one_active_key",
        "signing_keys",
        ["active"],
        unique=True,
        postgresql_where=text("active = 1"),
        sqlite_where=text("active = 1"),
    )
    op.create_table(
        "ledger",
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        Column("at", TIME, nullable=False),
        Column("action", Text, nullable=False),
        Column("outcome", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("request_id", Text, nullable=False),
        Column("user_id", Text),
        Column("application_id", Text),
        Column("registration", Text),
        Column("client_org", Text),
        Column("object_id", Text),
    )
    op.create_table(
        "key_checks",
        Column("name", KEY, primary_key=True),
        Column("value", KEY, nullable=False),
    )
    op.create_table(
        "leases",
        Column("name", KEY, primary_key=True),
        Column("holder", Text, nullable=False),
        Column("expires_at", TIME, nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(LOST_RACE)
