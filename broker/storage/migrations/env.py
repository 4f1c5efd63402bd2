"""Owns how Alembic runs here: on the connection and in the transaction it is handed. Refuses to open one of its own."""

from __future__ import annotations

from alembic import context

from broker.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
