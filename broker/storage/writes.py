"""Owns the table of writes: for each Change its one statement. Parameters are named after the Change's attributes.

Refuses to know how statements travel: that is for batches.py and the engines.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import (
    BindParameter,
    ColumnClause,
    and_,
    bindparam,
    delete,
    literal_column,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_or_update

from broker.domain import changes
from broker.domain.changes import Change
from broker.domain.connection import ConnectionStatus
from broker.domain.device_request import Decision
from broker.storage.erasing_writes import ERASING_WRITES
from broker.storage.key_writes import KEY_WRITES
from broker.storage.kinds import Kind, Write, add, compare_and_set, from_noun, put, remove, set_rows, use_up
from broker.storage.ledger_writes import LEDGER_WRITES
from broker.storage.retention_writes import RETENTION_WRITES
from broker.storage.tables import (
    PENDING,
    acceptances,
    applications,
    authorizations,
    choices,
    client_orgs,
    connections,
    consents,
    data_keys,
    device_requests,
    grants,
    identities,
    pending_logouts,
    pending_revocations,
    revocations,
    sessions,
    taken_attempts,
    users,
)


def _take(attribute: str) -> Write:
    """Nothing is inserted where it was taken, which is a conflict too: the database's own error would name the table,
    and not which of two takings in one statement came too late."""
    statement = insert_or_update(taken_attempts).values(id=bindparam(attribute), expires_at=bindparam("expires_at"))
    return Write(kind=Kind.ADD, statement=statement.on_conflict_do_nothing())


_NOW: BindParameter[int] = bindparam("at")
_TRUE: ColumnClause[int] = literal_column("1")
_FALSE: ColumnClause[int] = literal_column("0")
_UNDECIDED: ColumnClause[str] = literal_column(f"'{Decision.PENDING.value}'")
_revoked = {grants.c.revoked_at: _NOW, grants.c.revoked_for: bindparam("reason")}
_this_logout = and_(
    pending_logouts.c.about == bindparam("about"), pending_logouts.c.application_id == bindparam("application_id")
)
_RENEWED = [sessions.c[name] for name in ("secret", "browser", "upstream_sid", "auth_time", "last_seen_at")]
_end_sessions = update(sessions).where(sessions.c.ended_at.is_(None)).values(ended_at=_NOW)

WRITES: Mapping[type[Change], Write] = {
    # ── signing in
    changes.TakeAttempt: _take("attempt_id"),
    changes.TakeAssertion: _take("assertion"),
    changes.TakePushedRequest: _take("request_id"),
    changes.AddUser: add(users, "user"),
    changes.SetUserStatus: set_rows(
        update(users)
        .where(users.c.id == bindparam("user_id"), users.c.status != bindparam("status"))
        .values(status=bindparam("status"), epoch=users.c.epoch + literal_column("1"))
    ),
    changes.Accept: add(acceptances, "acceptance"),
    changes.SetAccepted: set_rows(
        update(users).where(users.c.id == bindparam("user_id")).values(accepted=bindparam("accepted"))
    ),
    changes.PutChoice: put(choices, "choice"),
    changes.AddIdentity: add(identities, "identity"),
    changes.AddDataKey: add(data_keys, "key"),
    changes.RewrapDataKey: set_rows(
        update(data_keys)
        .where(data_keys.c.id == bindparam("key.id"), data_keys.c.wrapped == bindparam("expected_wrapped"))
        .values(from_noun("key", [data_keys.c.kek_id, data_keys.c.wrapped]))
    ),
    changes.ReplaceDataKey: compare_and_set(
        update(data_keys)
        .where(
            data_keys.c.owner == bindparam("key.owner"),
            data_keys.c.id == bindparam("expected_id"),
            data_keys.c.wrapped == bindparam("expected_wrapped"),
        )
        .values(from_noun("key", [column for column in data_keys.columns if column.name != "owner"]))
    ),
    changes.AddConnection: add(connections, "connection"),
    changes.ReplaceConnection: compare_and_set(
        update(connections)
        .where(
            connections.c.id == bindparam("connection.id"),
            connections.c.generation == bindparam("expected_generation"),
        )
        .values(from_noun("connection", [column for column in connections.columns if not column.primary_key]))
    ),
    changes.MarkConnection: compare_and_set(
        update(connections)
        .where(
            connections.c.id == bindparam("connection_id"),
            connections.c.generation == bindparam("expected_generation"),
            connections.c.status == literal_column(f"'{ConnectionStatus.ACTIVE.value}'"),
        )
        .values(status=literal_column(f"'{ConnectionStatus.NEEDS_REAUTH.value}'"))
    ),
    # ── Sessions
    changes.AddSession: add(sessions, "session"),
    changes.RenewSession: compare_and_set(
        update(sessions)
        .where(
            sessions.c.id == bindparam("session.id"),
            sessions.c.secret == bindparam("expected_secret"),
            sessions.c.ended_at.is_(None),
        )
        .values(from_noun("session", _RENEWED))
    ),
    changes.TouchSession: set_rows(
        update(sessions)
        .where(sessions.c.id == bindparam("session_id"), sessions.c.last_seen_at < _NOW)
        .values(last_seen_at=_NOW)
    ),
    changes.EndSession: set_rows(
        _end_sessions.where(sessions.c.id == bindparam("session_id"), sessions.c.user_id == bindparam("user_id"))
    ),
    changes.EndOtherSessions: set_rows(
        _end_sessions.where(sessions.c.user_id == bindparam("user_id"), sessions.c.id != bindparam("but"))
    ),
    changes.EndSessionsOfConnection: set_rows(
        _end_sessions.where(sessions.c.connection_id == bindparam("connection_id"))
    ),
    changes.EndSessionsOfUser: set_rows(_end_sessions.where(sessions.c.user_id == bindparam("user_id"))),
    changes.EndSessionsOfUpstream: set_rows(
        _end_sessions.where(
            or_(
                sessions.c.upstream_sid == bindparam("upstream_sid"),
                and_(sessions.c.connection_id == bindparam("connection_id"), sessions.c.upstream_sid.is_(None)),
            )
        )
    ),
    changes.RetryLogout: compare_and_set(
        update(pending_logouts)
        .where(
            _this_logout,
            pending_logouts.c.tries == bindparam("expected_tries"),
            pending_logouts.c.result == PENDING,
        )
        .values(tries=pending_logouts.c.tries + literal_column("1"), next_try_at=bindparam("next_try_at"))
    ),
    changes.SettleLogout: set_rows(update(pending_logouts).where(_this_logout).values(result=bindparam("result"))),
    # ── Grants
    changes.AddGrant: add(grants, "grant"),
    changes.RedeemGrant: use_up(
        update(grants)
        .where(grants.c.id == bindparam("grant_id"), grants.c.redeemed_at.is_(None), grants.c.revoked_at.is_(None))
        .values(redeemed_at=_NOW, dpop_jkt=bindparam("dpop_jkt"), released=bindparam("released"))
    ),
    changes.RefreshGrant: compare_and_set(
        update(grants)
        .where(
            grants.c.id == bindparam("grant_id"),
            grants.c.generation == bindparam("expected_generation"),
            grants.c.revoked_at.is_(None),
        )
        .values(generation=bindparam("generation"), refreshed_at=_NOW)
    ),
    changes.RememberReleased: compare_and_set(
        update(grants)
        .where(grants.c.id == bindparam("grant_id"), grants.c.released == bindparam("expected"))
        .values(released=bindparam("released"))
    ),
    changes.RevokeGrant: set_rows(
        update(grants).where(grants.c.id == bindparam("grant_id"), grants.c.revoked_at.is_(None)).values(_revoked)
    ),
    changes.RevokeGrantsOf: set_rows(
        update(grants)
        .where(
            # From the User to their Sessions to those few Grants: an Application may have millions.
            grants.c.session_id.in_(select(sessions.c.id).where(sessions.c.user_id == bindparam("user_id"))),
            grants.c.application_id == bindparam("application_id"),
            grants.c.revoked_at.is_(None),
        )
        .values(_revoked)
    ),
    changes.DismissWarning: set_rows(
        update(grants)
        .where(
            grants.c.id == bindparam("grant_id"),
            grants.c.user_id == bindparam("user_id"),
            grants.c.dismissed_at.is_(None),
        )
        .values(dismissed_at=_NOW)
    ),
    changes.PutConsent: put(consents, "consent"),
    changes.AddDeviceRequest: add(device_requests, "request"),
    changes.PollDeviceRequest: set_rows(
        update(device_requests)
        .where(device_requests.c.id == bindparam("id"))
        .values(last_polled_at=_NOW, interval=bindparam("interval"))
    ),
    changes.DecideDeviceRequest: use_up(
        update(device_requests)
        .where(
            device_requests.c.id == bindparam("id"),
            device_requests.c.decision == _UNDECIDED,
            device_requests.c.expires_at > _NOW,
        )
        .values(decision=bindparam("decision"))
    ),
    changes.RelyOnConsent: compare_and_set(
        update(consents)
        .where(and_(*(column == bindparam(f"consent.{column.name}") for column in consents.columns)))
        .values(given_at=consents.c.given_at)
    ),
    changes.RemoveConsent: Write(
        kind=Kind.REMOVE,
        statement=delete(consents).where(
            consents.c.user_id == bindparam("user_id"), consents.c.application_id == bindparam("application_id")
        ),
    ),
    # ── Clients, Applications, Authorizations
    changes.BindAuthorization: use_up(
        update(authorizations)
        .where(authorizations.c.id == bindparam("authorization_id"), authorizations.c.user_id.is_(None))
        .values(user_id=bindparam("user_id"))
    ),
    changes.PutClientOrg: put(client_orgs, "client_org"),
    changes.RemoveClientOrg: remove(client_orgs, "client_org_id"),
    changes.PutApplication: put(applications, "application"),
    changes.RemoveApplication: remove(applications, "application_id"),
    changes.AddAuthorization: add(authorizations, "authorization"),
    changes.SetRights: set_rows(
        update(authorizations)
        .where(authorizations.c.id == bindparam("authorization_id"), authorizations.c.rights != bindparam("rights"))
        .values(rights=bindparam("rights"))
    ),
    changes.RemoveAuthorization: remove(authorizations, "authorization_id"),
    # ── what Providers still have to be told
    changes.AddPendingRevocation: add(pending_revocations, "pending"),
    changes.RetryRevocation: compare_and_set(
        update(pending_revocations)
        .where(
            pending_revocations.c.id == bindparam("id"),
            pending_revocations.c.tries == bindparam("expected_tries"),
            pending_revocations.c.result == PENDING,
        )
        .values(tries=pending_revocations.c.tries + literal_column("1"), next_try_at=bindparam("next_try_at"))
    ),
    changes.ResealRevocation: set_rows(
        update(pending_revocations)
        .where(pending_revocations.c.id == bindparam("id"), pending_revocations.c.sealed_token.is_not(None))
        .values(sealed_token=bindparam("sealed_token"))
    ),
    changes.SettleRevocation: set_rows(
        update(pending_revocations)
        .where(pending_revocations.c.id == bindparam("id"))
        .values(result=bindparam("result"), sealed_token=null())
    ),
    changes.Announce: add(revocations, "notice"),
    **KEY_WRITES,
    **ERASING_WRITES,
    **LEDGER_WRITES,
    **RETENTION_WRITES,
}
