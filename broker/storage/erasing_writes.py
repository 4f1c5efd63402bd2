"""Owns the writes that erase a User: for each Change its one statement, as writes.py does for the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_update

from broker.domain import changes
from broker.domain.changes import Change
from broker.storage.kinds import Kind, Write, set_rows
from broker.storage.tables import (
    acceptances,
    authorizations,
    choices,
    connections,
    consents,
    data_keys,
    grants,
    identities,
    pending_revocations,
    sessions,
    tombstones,
    users,
)


def _remove_of(column: Column[Any]) -> Write:
    """Delete every row that has this User there."""
    return Write(kind=Kind.REMOVE, statement=delete(column.table).where(column == bindparam("user_id")))


ERASING_WRITES: Mapping[type[Change], Write] = {
    changes.PutTombstone: Write(
        kind=Kind.PUT,
        statement=insert_or_update(tombstones)
        .values(user_id=bindparam("user_id"), erased_at=bindparam("at"))
        .on_conflict_do_nothing(),
    ),
    changes.SetEraseAt: set_rows(
        update(users).where(users.c.id == bindparam("user_id")).values(erase_at=bindparam("erase_at"))
    ),
    changes.RemoveDataKey: _remove_of(data_keys.c.owner),
    changes.RemovePendingRevocationsOf: _remove_of(pending_revocations.c.user_id),
    changes.RemoveGrantsOf: Write(
        kind=Kind.REMOVE,
        statement=delete(grants).where(
            grants.c.session_id.in_(select(sessions.c.id).where(sessions.c.user_id == bindparam("user_id")))
        ),
    ),
    changes.RemoveSessionsOf: _remove_of(sessions.c.user_id),
    changes.RemoveConnectionsOf: _remove_of(connections.c.user_id),
    changes.RemoveIdentitiesOf: _remove_of(identities.c.user_id),
    changes.RemoveConsentsOf: _remove_of(consents.c.user_id),
    changes.RemoveAcceptancesOf: _remove_of(acceptances.c.user_id),
    changes.RemoveChoicesOf: _remove_of(choices.c.user_id),
    changes.RemoveAuthorizationsOf: _remove_of(authorizations.c.user_id),
    changes.RemoveUser: _remove_of(users.c.id),
}
"""What `WRITES` takes in."""
