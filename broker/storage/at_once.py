"""Owns the statement that refreshes: it reads a Grant and, in the plain case, uses its refresh token up with that.

Refuses the case that columns of single rows do not tell: that is read here, and decided and written by the flow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    BindParameter,
    ColumnElement,
    Insert,
    Select,
    Update,
    and_,
    any_,
    bindparam,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.types import BigInteger, Text, TypeEngine

from broker.domain.application import ApplicationType, GrantType
from broker.domain.grant import REFRESH_LIFETIME
from broker.domain.refresh_token import IDLE_LIFETIME
from broker.domain.scope import OFFLINE_ACCESS
from broker.domain.user import UserStatus
from broker.storage.driver_sql import element_beside
from broker.storage.reads import GRANT_IN_FULL
from broker.storage.tables import applications, connections, grants, ledger, sessions, users


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class AtOnce:
    """A read, the change of one row at most that goes with it, and the line of the ledger if there was such a row.

    `together` is all of them for PostgreSQL, for many rows. Its parameters `own` are arrays, of which the first one has
    the keys of the rows and each other, in its order, what is asked of each. It answers in any order: the rows as they
    were, which begin with their keys, and behind each whether the change was made.
    """

    read: Select[Any]
    change: Update
    note: Insert
    together: Select[Any]
    own: tuple[str, ...]


_Parameter = Callable[[str, TypeEngine[Any]], ColumnElement[Any]]
"""A parameter of the Grant's own, by its name and type."""


def _text(constant: str) -> ColumnElement[str]:
    return literal_column(f"'{constant}'", Text)


def _number(constant: int) -> ColumnElement[int]:
    return literal_column(str(constant), BigInteger)


def _holds(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Whether a list, which is JSON text, has `name` in it."""
    return func.replace(column, _text(f'"{name}"'), _text("")) != column


def _there_is(one: ColumnElement[Any], *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Looked up once the Grant is found by its id: with a join the planner may begin elsewhere, and read a table."""
    return select(one).where(*conditions).scalar_subquery().is_not(None)


_AT: ColumnElement[int] = bindparam("at", type_=BigInteger)
_DEMANDED: ColumnElement[str] = bindparam("demanded", type_=Text)
_registrations: ColumnElement[str] = bindparam("registrations", type_=Text)
_in_quotes = _text('"') + connections.c.registration + _text('"')
_living_user = _there_is(
    users.c.id,
    users.c.id == grants.c.user_id,
    users.c.status == _text(UserStatus.ACTIVE),
    or_(_DEMANDED.is_(None), users.c.accepted == _DEMANDED),
)
_open_session = _there_is(
    sessions.c.id,
    sessions.c.id == grants.c.session_id,
    sessions.c.ended_at.is_(None),
    connections.c.id == sessions.c.connection_id,
    func.replace(_registrations, _in_quotes, _text("")) != _registrations,
)


def _use(these: ColumnElement[bool], own: _Parameter) -> Update:
    """Use their refresh tokens up, in the plain case."""
    plain_application = _there_is(
        applications.c.id,
        applications.c.id == grants.c.application_id,
        applications.c.id == own("application_id", Text()),
        applications.c.type == _text(ApplicationType.PUBLIC),
        _holds(applications.c.grants, GrantType.REFRESH_TOKEN),
        applications.c.requires_authorization == _number(0),
        applications.c.dpop == _number(0),
    )
    plain = and_(
        these,
        grants.c.generation == own("generation", BigInteger()),
        grants.c.redeemed_at.is_not(None),
        grants.c.revoked_at.is_(None),
        grants.c.organization.is_(None),
        grants.c.dpop_jkt.is_(None),
        _holds(grants.c.scopes, OFFLINE_ACCESS),
        func.coalesce(grants.c.refreshed_at, grants.c.redeemed_at) + _number(IDLE_LIFETIME) > _AT,
        grants.c.created_at + _number(REFRESH_LIFETIME) > _AT,
        plain_application,
        _living_user,
        _open_session,
    )
    return update(grants).where(plain).values(generation=grants.c.generation + _number(1), refreshed_at=_AT)


def _lines(these: ColumnElement[bool], own: _Parameter) -> tuple[list[str], Select[Any]]:
    """Lines of the ledger that say so: their columns, and what is in them."""
    line: dict[str, ColumnElement[Any]] = {
        "at": _AT,
        "action": _text("refresh"),
        "outcome": _text("done"),
        "reason": _text(""),
        "request_id": own("request_id", Text()),
        "user_id": grants.c.user_id,
        "application_id": grants.c.application_id,
        "registration": connections.c.registration,
        "client_org": grants.c.organization,
        "object_id": grants.c.id,
    }
    rows = (
        select(*line.values())
        .select_from(grants)
        .join(sessions, sessions.c.id == grants.c.session_id)
        .join(connections, connections.c.id == sessions.c.connection_id)
        .where(these)
    )
    return [*line], rows


_ids: BindParameter[Any] = bindparam("grant_id", type_=ARRAY(Text))


def _of_one(name: str, type_: TypeEngine[Any]) -> ColumnElement[Any]:
    return bindparam(name, type_=type_)


def _of_each(name: str, type_: TypeEngine[Any]) -> ColumnElement[Any]:
    return type_coerce(element_beside(bindparam(name, type_=ARRAY(type_)), _ids, grants.c.id), type_)


_this, _these = grants.c.id == bindparam("grant_id"), grants.c.id == any_(_ids)
_columns, _line = _lines(_this, _of_one)
_, _their_lines = _lines(_these, _of_each)
_used = _use(_these, _of_each).returning(grants.c.id).cte("used")
_was_used = exists(select(_used.c.id).where(_used.c.id == grants.c.id).correlate(grants))
_told = insert(ledger).from_select(_columns, _their_lines.where(_was_used), include_defaults=False).cte("told")

REFRESH = AtOnce(
    read=GRANT_IN_FULL.where(_this),
    change=_use(_this, _of_one),
    note=insert(ledger).from_select(_columns, _line, include_defaults=False),
    together=GRANT_IN_FULL.where(_these).add_columns(_was_used).add_cte(_told),
    own=("grant_id", "generation", "application_id", "request_id"),
)
