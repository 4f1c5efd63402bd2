"""Owns the writes of retention and of legal holds, in the form of writes.py.

Refuses to delete anything of whoever is held at that moment.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Text, bindparam, delete, exists, update
from sqlalchemy.dialects.postgresql import insert as insert_or_update

from broker.domain import changes
from broker.domain.changes import Change
from broker.storage.driver_sql import is_one_of
from broker.storage.held import not_held
from broker.storage.kinds import Kind, Write, compare_and_set, from_noun
from broker.storage.tables import grants, holds, sessions, users

_hold = insert_or_update(holds).values(from_noun("hold", holds.columns))
_these = bindparam("session_ids", type_=Text)

RETENTION_WRITES: Mapping[type[Change], Write] = {
    changes.PutHold: Write(
        kind=Kind.PUT,
        statement=_hold.on_conflict_do_update(
            index_elements=[holds.c.user_id], set_={"reference": _hold.excluded.reference}
        ),
    ),
    changes.RemoveHold: Write(kind=Kind.SET, statement=delete(holds).where(holds.c.user_id == bindparam("user_id"))),
    # Nothing is changed by it; but only a row that is written can be missed, which makes it a conflict.
    changes.RequireNotHeld: compare_and_set(
        update(users)
        .where(users.c.id == bindparam("user_id"), ~exists().where(holds.c.user_id == users.c.id))
        .values(epoch=users.c.epoch)
    ),
    changes.RemoveGrantsOfSessions: Write(
        kind=Kind.REMOVE,
        statement=delete(grants).where(is_one_of(grants.c.session_id, _these), not_held(grants.c.user_id)),
    ),
    changes.RemoveSessions: Write(
        kind=Kind.REMOVE,
        statement=delete(sessions).where(is_one_of(sessions.c.id, _these), not_held(sessions.c.user_id)),
    ),
}
