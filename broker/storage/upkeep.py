"""Owns the statements of what runs by the clock: leases, and forgetting what nobody needs any more.

Refuses to forget anything that a token still alive could be asked about.
"""

from __future__ import annotations

from sqlalchemy import ColumnClause, bindparam, delete, literal_column, or_, select
from sqlalchemy.dialects.postgresql import insert as insert_or_update

from broker.domain.grant import CODE_LIFETIME
from broker.domain.session import ABSOLUTE_LIFETIME
from broker.domain.session_token import LIFETIME
from broker.storage.tables import grants, leases, sessions, taken_attempts

SESSION_KEPT_FOR = ABSOLUTE_LIFETIME + CODE_LIFETIME + LIFETIME
"""Seconds from its beginning: by then the last token of its last code has expired."""
FORGET_AT_ONCE = 1000
"""Rows that one statement deletes, so that none takes long enough to be in anybody's way."""

_taken = insert_or_update(leases).values({column: bindparam(column.name) for column in leases.columns})
TAKE_LEASE = _taken.on_conflict_do_update(
    index_elements=[leases.c.name],
    set_={"holder": _taken.excluded.holder, "expires_at": _taken.excluded.expires_at},
    where=or_(leases.c.holder == _taken.excluded.holder, leases.c.expires_at <= bindparam("now")),
)

_AT_ONCE: ColumnClause[int] = literal_column(str(FORGET_AT_ONCE))
_oldest_sessions = (
    select(sessions.c.id)
    .where(sessions.c.auth_time <= bindparam("session_began"))
    .order_by(sessions.c.auth_time)
    .limit(_AT_ONCE)
)
_oldest_attempts = (
    select(taken_attempts.c.id)
    .where(taken_attempts.c.expires_at <= bindparam("now"))
    .order_by(taken_attempts.c.expires_at)
    .limit(_AT_ONCE)
)
FORGET = (
    (
        delete(grants).where(grants.c.session_id.in_(_oldest_sessions)),
        delete(sessions).where(sessions.c.id.in_(_oldest_sessions)),
    ),
    (delete(taken_attempts).where(taken_attempts.c.id.in_(_oldest_attempts)),),
)
"""Each group in its order, again and again until its last statement finds fewer than `FORGET_AT_ONCE` rows."""
