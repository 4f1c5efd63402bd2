"""Owns the statements of what runs by the clock: leases, and forgetting what nobody needs any more.

Refuses to forget anything that a token still alive could be asked about, or that is whoever's who is held.
"""

from __future__ import annotations

from typing import cast

from sqlalchemy import (
    ColumnClause,
    Delete,
    Insert,
    Table,
    bindparam,
    delete,
    exists,
    insert,
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert as insert_or_update

from broker.domain.session import ABSOLUTE_LIFETIME
from broker.domain.session_token import LIFETIME
from broker.storage.held import not_held
from broker.storage.tables import (
    PENDING,
    device_requests,
    grants,
    leases,
    ledger,
    pending_logouts,
    revocations,
    sessions,
    taken_attempts,
)

KEPT_AFTER = ABSOLUTE_LIFETIME + LIFETIME
"""Seconds from the beginning of a Session after which only its Grants keep it: no code comes of it any more."""
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
    .where(
        sessions.c.auth_time <= bindparam("session_began"),
        ~exists().where(grants.c.session_id == sessions.c.id),
        not_held(sessions.c.user_id),
    )
    .order_by(sessions.c.auth_time)
    .limit(_AT_ONCE)
)
_oldest_attempts = (
    select(taken_attempts.c.id)
    .where(taken_attempts.c.expires_at <= bindparam("now"))
    .order_by(taken_attempts.c.expires_at)
    .limit(_AT_ONCE)
)
_oldest_grants = (
    select(grants.c.id)
    .where(grants.c.kept_until <= bindparam("kept_until"), not_held(grants.c.user_id))
    .order_by(grants.c.kept_until)
    .limit(_AT_ONCE)
)
_oldest_revocations = (
    select(revocations.c.id)
    .where(revocations.c.until <= bindparam("now"))
    .order_by(revocations.c.until)
    .limit(_AT_ONCE)
)
_oldest_device_requests = (
    select(device_requests.c.id)
    .where(device_requests.c.expires_at <= bindparam("kept_until"))
    .order_by(device_requests.c.expires_at)
    .limit(_AT_ONCE)
)
_oldest_logouts = (
    select(pending_logouts.c.about, pending_logouts.c.application_id)
    .where(
        pending_logouts.c.created_at <= bindparam("signed_out"),
        pending_logouts.c.result != PENDING,
        not_held(pending_logouts.c.user_id),
    )
    .order_by(pending_logouts.c.created_at)
    .limit(_AT_ONCE)
)
_some_leases = select(leases.c.name).where(leases.c.expires_at <= bindparam("now")).limit(_AT_ONCE)
_deletes = (
    delete(grants).where(grants.c.id.in_(_oldest_grants)),
    delete(sessions).where(sessions.c.id.in_(_oldest_sessions)),
    delete(taken_attempts).where(taken_attempts.c.id.in_(_oldest_attempts)),
    delete(revocations).where(revocations.c.id.in_(_oldest_revocations)),
    delete(device_requests).where(device_requests.c.id.in_(_oldest_device_requests)),
    delete(pending_logouts).where(
        tuple_(pending_logouts.c.about, pending_logouts.c.application_id).in_(_oldest_logouts)
    ),
)


def _line(statement: Delete) -> Insert:
    """The line of the ledger that goes with it: how many rows went, and of which table."""
    return insert(ledger).values(
        at=bindparam("now"),
        action=literal_column("'expired.forget'"),
        outcome=literal_column("'done'"),
        reason=bindparam("touched"),
        request_id=literal_column("''"),
        object_id=literal_column(f"'{cast(Table, statement.table).name}'"),
    )


FORGET: tuple[tuple[Delete, Insert | None], ...] = (
    *((statement, _line(statement)) for statement in _deletes),
    (delete(leases).where(leases.c.name.in_(_some_leases)), None),  # they are of nobody, and decide nothing
)
"""In this order, each with its line of the ledger, again and again until it finds fewer than `FORGET_AT_ONCE` rows."""
