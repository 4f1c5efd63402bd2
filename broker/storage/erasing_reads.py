"""Owns the queries about erasing: what mentions a User, who is due, and whom a back-up has brought back."""

from __future__ import annotations

from sqlalchemy import CompoundSelect, bindparam, func, literal_column, select, union_all

from broker.storage.held import not_held
from broker.storage.tables import (
    acceptances,
    authorizations,
    choices,
    connections,
    consents,
    grants,
    identities,
    pending_revocations,
    sessions,
    tombstones,
    users,
)

ROWS_OF_USER: CompoundSelect[str, int] = union_all(
    *(
        select(literal_column(f"'{column.table.name}'"), func.count()).where(column == bindparam("user_id"))
        for column in (
            grants.c.user_id,
            sessions.c.user_id,
            connections.c.user_id,
            identities.c.user_id,
            consents.c.user_id,
            acceptances.c.user_id,
            choices.c.user_id,
            authorizations.c.user_id,
            pending_revocations.c.user_id,
        )
    )
)
DUE_ERASURES = (
    select(users.c.id)
    .where(users.c.erase_at <= bindparam("now"), not_held(users.c.id))
    .order_by(users.c.erase_at)
    .limit(bindparam("limit"))
)
RESURRECTED = (
    select(users.c.id)
    .join(tombstones, tombstones.c.user_id == users.c.id)
    .order_by(users.c.id)
    .limit(bindparam("limit"))
)
