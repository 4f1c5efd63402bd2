"""Owns whom the end of a Session concerns: one row for each Application to be told, written by the end's statement.

Refuses to leave it to the flows, as with the notices: what has really ended is told, in its own transaction.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    insert,
    literal_column,
    or_,
    select,
)
from sqlalchemy.sql import ClauseElement

from broker.domain.grant import CODE_LIFETIME
from broker.domain.user import UserStatus
from broker.storage.tables import PENDING, applications, grants, pending_logouts, sessions

_none: ColumnElement[str] = literal_column("NULL", Text)

READS = frozenset({grants.name, applications.name, sessions.name})
"""Whose rows decide; a statement that changes one of them before must have happened."""

_AT: ColumnElement[int] = bindparam("at", type_=BigInteger)
# A code that can be redeemed still may be just being redeemed: neither of the two writes would see the other.
_has_tokens = or_(
    grants.c.redeemed_at.is_not(None), grants.c.created_at > _AT - literal_column(str(CODE_LIFETIME), BigInteger)
)
_wants = and_(applications.c.id == grants.c.application_id, applications.c.backchannel_logout_uri.is_not(None))


def of_sessions(ended: FromClause) -> ClauseElement:
    """For each Application with tokens from one of the Sessions `ended.value`."""
    value = ended.c.value
    rows = ended.join(grants, grants.c.session_id == value).join(applications, _wants)
    return _told(_row(value, value).select_from(rows).where(_has_tokens))


def of_suspended(ended: FromClause) -> ClauseElement:
    """For each Application with tokens from any Session of the Users `ended.value`, who have reached `ended.epoch`.

    Their Sessions do not end, they only open nothing: so all are meant at once, and again the next time.
    """
    about = ended.c.value.concat(literal_column("'.'", Text)).concat(cast(ended.c.epoch, Text))
    theirs = and_(sessions.c.user_id == ended.c.value, sessions.c.ended_at.is_(None))
    rows = ended.join(sessions, theirs).join(grants, grants.c.session_id == sessions.c.id).join(applications, _wants)
    suspended = bindparam("status", type_=Text) == literal_column(f"'{UserStatus.SUSPENDED}'")
    return _told(_row(about, _none).select_from(rows).where(suspended, _has_tokens))


def _row(about: ColumnElement[str], session_id: ColumnElement[str]) -> Select[tuple[str, ...]]:
    zero: ColumnElement[int] = literal_column("0")
    return select(about, grants.c.application_id, grants.c.user_id, session_id, zero, _AT, _AT, PENDING).distinct()


def _told(rows: Select[tuple[str, ...]]) -> ClauseElement:
    return insert(pending_logouts).from_select([c.name for c in pending_logouts.columns], rows, include_defaults=False)
