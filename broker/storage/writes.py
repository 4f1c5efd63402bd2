"""Owns the table of writes: for each Change its one statement. Parameters are named after the Change's attributes.

Refuses to know how statements travel: that is for batches.py and the engines.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, cast

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnClause,
    Table,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    null,
    or_,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_or_update
from sqlalchemy.sql.dml import Update, UpdateBase

from broker.domain import changes
from broker.domain.changes import Change
from broker.storage.tables import (
    PENDING,
    applications,
    authorizations,
    client_orgs,
    connections,
    consents,
    data_keys,
    grants,
    identities,
    key_checks,
    ledger,
    pending_revocations,
    revocations,
    sessions,
    signing_keys,
    taken_attempts,
    users,
)


class Kind(Enum):
    """What a statement does to its table. It decides what may travel in one statement with it."""

    ADD = auto()
    """Inserts one row; a taken key is a conflict."""
    USE_UP = auto()
    """Changes one row, once and for all; a second time is a conflict."""
    COMPARE_AND_SET = auto()
    """Changes one row if it is as expected; else it is a conflict."""
    SET = auto()
    """Changes such rows as there are."""
    PUT = auto()
    """Inserts a row or replaces it."""
    REMOVE = auto()
    """Deletes rows, also of the tables that refer to them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Write:
    """One statement, which changes one table."""

    kind: Kind
    statement: UpdateBase

    @property
    def table(self) -> str:
        """The table's name."""
        return cast(Table, self.statement.table).name

    @property
    def touches_one_row(self) -> bool:
        """Whether touching any other number of rows is a conflict."""
        return self.kind in (Kind.ADD, Kind.USE_UP, Kind.COMPARE_AND_SET)


def _from(noun: str, columns: Iterable[Column[Any]]) -> dict[Column[Any], BindParameter[Any]]:
    """Each column from the attribute of the same name."""
    return {column: bindparam(f"{noun}.{column.name}") for column in columns}


def _add(table: Table, noun: str) -> Write:
    given = [column for column in table.columns if column.autoincrement is not True]
    return Write(kind=Kind.ADD, statement=insert(table).values(_from(noun, given)).inline())


def _put(table: Table, noun: str) -> Write:
    statement = insert_or_update(table).values(_from(noun, table.columns))
    rest = {c.name: statement.excluded[c.name] for c in table.columns if not c.primary_key}
    statement = statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=rest)
    return Write(kind=Kind.PUT, statement=statement)


def _remove(table: Table, attribute: str) -> Write:
    return Write(kind=Kind.REMOVE, statement=delete(table).where(table.c.id == bindparam(attribute)))


def _use_up(statement: Update) -> Write:
    return Write(kind=Kind.USE_UP, statement=statement)


def _compare_and_set(statement: Update) -> Write:
    return Write(kind=Kind.COMPARE_AND_SET, statement=statement)


def _set(statement: Update) -> Write:
    return Write(kind=Kind.SET, statement=statement)


_NOW: BindParameter[int] = bindparam("at")
_TRUE: ColumnClause[int] = literal_column("1")
_FALSE: ColumnClause[int] = literal_column("0")
_this_key = signing_keys.c.kid == bindparam("kid")
_no_bytes = func.substr(signing_keys.c.sealed_private, _TRUE, _FALSE)
_end_sessions = update(sessions).where(sessions.c.ended_at.is_(None)).values(ended_at=_NOW)

WRITES: Mapping[type[Change], Write] = {
    # ── signing in
    changes.TakeAttempt: Write(
        kind=Kind.ADD,
        statement=insert(taken_attempts).values(id=bindparam("attempt_id"), expires_at=bindparam("expires_at")),
    ),
    changes.TakeAssertion: Write(
        kind=Kind.ADD,
        statement=insert(taken_attempts).values(id=bindparam("assertion"), expires_at=bindparam("expires_at")),
    ),
    changes.AddUser: _add(users, "user"),
    changes.SetUserStatus: _set(
        update(users)
        .where(users.c.id == bindparam("user_id"), users.c.status != bindparam("status"))
        .values(status=bindparam("status"), epoch=users.c.epoch + literal_column("1"))
    ),
    changes.AddIdentity: _add(identities, "identity"),
    changes.AddDataKey: _add(data_keys, "key"),
    changes.RewrapDataKey: _set(
        update(data_keys)
        .where(data_keys.c.id == bindparam("key.id"), data_keys.c.wrapped == bindparam("expected_wrapped"))
        .values(_from("key", [data_keys.c.kek_id, data_keys.c.wrapped]))
    ),
    changes.ReplaceDataKey: _compare_and_set(
        update(data_keys)
        .where(
            data_keys.c.owner == bindparam("key.owner"),
            data_keys.c.id == bindparam("expected_id"),
            data_keys.c.wrapped == bindparam("expected_wrapped"),
        )
        .values(_from("key", [column for column in data_keys.columns if column.name != "owner"]))
    ),
    changes.AddConnection: _add(connections, "connection"),
    changes.ReplaceConnection: _compare_and_set(
        update(connections)
        .where(
            connections.c.id == bindparam("connection.id"),
            connections.c.generation == bindparam("expected_generation"),
        )
        .values(_from("connection", [column for column in connections.columns if not column.primary_key]))
    ),
    # ── Sessions
    changes.AddSession: _add(sessions, "session"),
    changes.TouchSession: _set(
        update(sessions)
        .where(sessions.c.id == bindparam("session_id"), sessions.c.last_seen_at < _NOW)
        .values(last_seen_at=_NOW)
    ),
    changes.EndSession: _set(
        _end_sessions.where(sessions.c.id == bindparam("session_id"), sessions.c.user_id == bindparam("user_id"))
    ),
    changes.EndOtherSessions: _set(
        _end_sessions.where(sessions.c.user_id == bindparam("user_id"), sessions.c.id != bindparam("but"))
    ),
    changes.EndSessionsOfConnection: _set(_end_sessions.where(sessions.c.connection_id == bindparam("connection_id"))),
    # ── Grants
    changes.AddGrant: _add(grants, "grant"),
    changes.RedeemGrant: _use_up(
        update(grants)
        .where(grants.c.id == bindparam("grant_id"), grants.c.redeemed_at.is_(None), grants.c.revoked_at.is_(None))
        .values(redeemed_at=_NOW, dpop_jkt=bindparam("dpop_jkt"))
    ),
    changes.RefreshGrant: _compare_and_set(
        update(grants)
        .where(
            grants.c.id == bindparam("grant_id"),
            grants.c.generation == bindparam("expected_generation"),
            grants.c.revoked_at.is_(None),
        )
        .values(generation=bindparam("generation"), refreshed_at=_NOW)
    ),
    changes.RevokeGrant: _set(
        update(grants)
        .where(grants.c.id == bindparam("grant_id"), grants.c.revoked_at.is_(None))
        .values(revoked_at=_NOW)
    ),
    changes.PutConsent: _put(consents, "consent"),
    # ── Clients, Applications, Authorizations
    changes.BindAuthorization: _use_up(
        update(authorizations)
        .where(authorizations.c.id == bindparam("authorization_id"), authorizations.c.user_id.is_(None))
        .values(user_id=bindparam("user_id"))
    ),
    changes.PutClientOrg: _put(client_orgs, "client_org"),
    changes.RemoveClientOrg: _remove(client_orgs, "client_org_id"),
    changes.PutApplication: _put(applications, "application"),
    changes.RemoveApplication: _remove(applications, "application_id"),
    changes.AddAuthorization: _add(authorizations, "authorization"),
    changes.SetRights: _set(
        update(authorizations)
        .where(authorizations.c.id == bindparam("authorization_id"), authorizations.c.rights != bindparam("rights"))
        .values(rights=bindparam("rights"))
    ),
    changes.RemoveAuthorization: _remove(authorizations, "authorization_id"),
    # ── what Providers still have to be told
    changes.AddPendingRevocation: _add(pending_revocations, "pending"),
    changes.RetryRevocation: _compare_and_set(
        update(pending_revocations)
        .where(
            pending_revocations.c.id == bindparam("id"),
            pending_revocations.c.tries == bindparam("expected_tries"),
            pending_revocations.c.result == PENDING,
        )
        .values(tries=pending_revocations.c.tries + literal_column("1"), next_try_at=bindparam("next_try_at"))
    ),
    changes.ResealRevocation: _set(
        update(pending_revocations)
        .where(pending_revocations.c.id == bindparam("id"), pending_revocations.c.sealed_token.is_not(None))
        .values(sealed_token=bindparam("sealed_token"))
    ),
    changes.SettleRevocation: _set(
        update(pending_revocations)
        .where(pending_revocations.c.id == bindparam("id"))
        .values(result=bindparam("result"), sealed_token=null())
    ),
    # ── keys, ledger
    changes.AddSigningKey: _add(signing_keys, "key"),
    changes.PromoteSigningKey: _compare_and_set(
        update(signing_keys)
        .where(
            _this_key,
            signing_keys.c.active == _FALSE,
            signing_keys.c.retired_at.is_(None),
            signing_keys.c.revoked_at.is_(None),
        )
        .values(active=_TRUE, activated_at=_NOW)
    ),
    changes.RetireSigningKey: _compare_and_set(
        update(signing_keys)
        .where(_this_key, signing_keys.c.retired_at.is_(None), signing_keys.c.revoked_at.is_(None))
        .values(active=_FALSE, retired_at=_NOW)
    ),
    changes.RevokeSigningKey: _compare_and_set(
        update(signing_keys)
        .where(_this_key, signing_keys.c.revoked_at.is_(None))
        .values(active=_FALSE, revoked_at=_NOW, sealed_private=_no_bytes)
    ),
    changes.RemoveSigningKey: Write(
        kind=Kind.USE_UP,
        statement=delete(signing_keys).where(
            _this_key, or_(signing_keys.c.retired_at.is_not(None), signing_keys.c.revoked_at.is_not(None))
        ),
    ),
    changes.AddKeyCheck: Write(
        kind=Kind.ADD, statement=insert(key_checks).values(name=bindparam("name"), value=bindparam("value"))
    ),
    changes.Announce: _add(revocations, "notice"),
    changes.Record: _add(ledger, "event"),
}
