"""Owns what the feed is told of each write, and what makes a User's epoch grow: statements that travel along.

Refuses to leave it to the flows: the notices are of the rows that a statement has really touched, in its transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    FromClause,
    Select,
    Table,
    bindparam,
    column,
    exists,
    insert,
    literal_column,
    select,
    table,
    update,
)
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.dml import Delete, Update, UpdateBase

from broker.domain import changes
from broker.domain.changes import Change
from broker.domain.revocation import COMMITTED_WITHIN, Claim, in_force_for
from broker.storage import logouts
from broker.storage.tables import (
    applications,
    authorizations,
    client_orgs,
    grants,
    revocations,
    sessions,
    signing_keys,
    users,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ends:
    """The write's own statement ends each row that it touches: a notice names `value`, perhaps with the row's `epoch`.

    `comes_back`: one of this name may be there again soon, and what is made for that one is good. `logouts`: whom else
    it concerns that they have ended.
    """

    claim: Claim
    value: Column[Any]
    epoch: Column[Any] | None = None
    comes_back: bool = False
    logouts: Callable[[FromClause], ClauseElement] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangesRights:
    """The write changes what the holders of these Authorizations may do: their epoch grows, and a notice tells it."""

    authorizations: ColumnElement[bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class GivesRights:
    """The write gives a User more: their epoch grows, and no token is less good for it."""


Telling = Ends | ChangesRights | GivesRights

_client_org_id = authorizations.c.client_org == bindparam("client_org.id")
_other_rights = exists().where(
    client_orgs.c.id == bindparam("client_org.id"), client_orgs.c.rights != bindparam("client_org.rights")
)
_this_authorization = authorizations.c.id == bindparam("authorization_id")

_sessions = Ends(claim=Claim.SID, value=sessions.c.id, logouts=logouts.of_sessions)

TELLINGS: Mapping[type[Change], Telling | None] = {
    changes.EndSession: _sessions,
    changes.EndOtherSessions: _sessions,
    changes.EndSessionsOfConnection: _sessions,
    changes.EndSessionsOfUpstream: _sessions,
    changes.EndSessionsOfUser: _sessions,
    changes.RevokeGrant: Ends(claim=Claim.JTI, value=grants.c.id),
    changes.RevokeGrantsOf: Ends(claim=Claim.JTI, value=grants.c.id),
    changes.RemoveApplication: Ends(claim=Claim.CLIENT_ID, value=applications.c.id, comes_back=True),
    changes.RevokeSigningKey: Ends(claim=Claim.KID, value=signing_keys.c.kid),
    changes.SetUserStatus: Ends(claim=Claim.SUB, value=users.c.id, epoch=users.c.epoch, logouts=logouts.of_suspended),
    changes.BindAuthorization: GivesRights(),
    changes.SetRights: ChangesRights(
        authorizations=_this_authorization & (authorizations.c.rights != bindparam("rights"))
    ),
    changes.RemoveAuthorization: ChangesRights(authorizations=_this_authorization),
    changes.RemoveClientOrg: ChangesRights(authorizations=authorizations.c.client_org == bindparam("client_org_id")),
    changes.PutClientOrg: ChangesRights(authorizations=_client_org_id & _other_rights),
    # ── nothing that was given ends by these, and nobody may do anything else than before
    **dict.fromkeys(
        (
            changes.TakeAttempt,
            changes.TakeAssertion,
            changes.TakePushedRequest,
            changes.AddUser,
            changes.Accept,
            changes.SetAccepted,
            changes.PutChoice,
            changes.AddIdentity,
            changes.AddDataKey,
            changes.RewrapDataKey,
            changes.ReplaceDataKey,
            changes.AddConnection,
            changes.ReplaceConnection,  # revoked, it comes with EndSessionsOfConnection
            changes.MarkConnection,
            changes.AddSession,
            changes.RenewSession,
            changes.TouchSession,
            changes.RetryLogout,
            changes.SettleLogout,
            changes.AddGrant,
            changes.RedeemGrant,
            changes.RefreshGrant,
            changes.RememberReleased,
            changes.AddDeviceRequest,
            changes.PollDeviceRequest,
            changes.DecideDeviceRequest,
            changes.PutApplication,
            changes.AddAuthorization,  # an invitation
            changes.DismissWarning,
            changes.PutConsent,
            changes.RelyOnConsent,
            changes.RemoveConsent,  # what it gave comes with RevokeGrantsOf
            changes.AddPendingRevocation,
            changes.RetryRevocation,
            changes.ResealRevocation,
            changes.SettleRevocation,
            changes.AddSigningKey,
            changes.PromoteSigningKey,
            changes.RetireSigningKey,  # its tokens stay good
            changes.RemoveSigningKey,
            changes.AddKeyCheck,
            changes.PutTombstone,
            changes.SetEraseAt,
            changes.RemoveDataKey,  # all of these come after SetUserStatus and EndSessionsOfUser
            changes.RemovePendingRevocationsOf,
            changes.RemoveGrantsOf,
            changes.RemoveSessionsOf,
            changes.RemoveConnectionsOf,
            changes.RemoveIdentitiesOf,
            changes.RemoveConsentsOf,
            changes.RemoveAcceptancesOf,
            changes.RemoveChoicesOf,
            changes.RemoveAuthorizationsOf,
            changes.RemoveUser,
            changes.Announce,  # is one
            changes.Record,
            changes.AddLink,
            changes.AddLedgerHead,
            changes.PruneLedger,
            changes.PutHold,
            changes.RemoveHold,
            changes.RequireNotHeld,
            changes.RemoveGrantsOfSessions,  # long ended
            changes.RemoveSessions,
        )
    ),
}
"""For every Change: what becomes of it that somebody has to know. A new one is given its place here."""

_AT: ColumnElement[int] = bindparam("at", type_=BigInteger)
_ONE: ColumnElement[int] = literal_column("1", BigInteger)
_held = table("held", column("user_id"))
_ended = table("ended", column("value"), column("epoch"))
_more = update(users).values(epoch=users.c.epoch + _ONE)

Part = tuple[str, ClauseElement]
"""A statement, and the letter that PostgreSQL knows its rows by: h(eld), e(nded), t(old), l(ogouts), w(ritten)."""


def side_by_side(telling: Telling | None, own: UpdateBase) -> Iterator[Part]:
    """For PostgreSQL: parts of one statement, each fed with the rows that the one before it has really touched.

    A row that somebody else has just changed is taken as they left it, so no epoch is told that is not the newest.
    """
    match telling:
        case None:
            yield "w", own
        case GivesRights():
            yield "e", _more.where(users.c.id == bindparam("user_id"))
            yield "w", own
        case Ends():
            yield "e", own.returning(*_named(telling.value, telling.epoch))
            yield "t", _told(telling, _from_ended(telling.epoch is not None))
            if telling.logouts is not None:
                yield "l", telling.logouts(_ended)
        case ChangesRights():
            if own.table is authorizations:
                yield "h", own.returning(authorizations.c.user_id)
            else:  # theirs go with their Client, or stay: until then nobody else may bind one
                yield "h", select(authorizations.c.user_id).where(telling.authorizations).with_for_update()
            holders = select(_held.c.user_id)
            yield "e", _more.where(users.c.id.in_(holders)).returning(*_named(users.c.id, users.c.epoch))
            yield "t", _told(_OF_USERS, _from_ended(True))
            if own.table is not authorizations:
                yield "w", own


def one_after_another(telling: Telling | None, own: UpdateBase) -> Iterator[Part]:
    """For SQLite, where nobody else writes meanwhile: first the notices of what is about to end, then the ends."""
    match telling:
        case GivesRights():
            yield "e", _more.where(users.c.id == bindparam("user_id"))
        case Ends():
            ends = cast(Update | Delete, own)
            about_to = _about_to(telling, cast(Table, ends.table), ends.whereclause)
            yield "t", _told(telling, about_to)
            if telling.logouts is not None:
                yield "l", telling.logouts(about_to.subquery("ended"))
        case ChangesRights():
            theirs = users.c.id.in_(select(authorizations.c.user_id).where(telling.authorizations))
            yield "t", _told(_OF_USERS, _about_to(_OF_USERS, users, theirs))
            yield "e", _more.where(theirs)
    yield "w", own


_OF_USERS = Ends(claim=Claim.SUB, value=users.c.id, epoch=users.c.epoch)


def _named(value: Column[Any], epoch: ColumnElement[Any] | None) -> list[ColumnElement[Any]]:
    return [value.label("value")] if epoch is None else [value.label("value"), epoch.label("epoch")]


def _from_ended(has_epoch: bool) -> Select[Any]:
    return select(_ended.c.value, _ended.c.epoch) if has_epoch else select(_ended.c.value)


def _about_to(ends: Ends, where: Table, which: ColumnElement[bool] | None) -> Select[Any]:
    chosen = select(*_named(ends.value, None if ends.epoch is None else ends.epoch + _ONE))
    return chosen.select_from(where) if which is None else chosen.select_from(where).where(which)


def _told(ends: Ends, rows: Select[Any]) -> ClauseElement:
    """One notice for each of `rows`, which are a value and perhaps an epoch."""
    names = ["value"] if ends.epoch is None else ["value", "epoch"]
    more: dict[str, ColumnElement[Any]] = {
        "claim": literal_column(f"'{ends.claim}'"),
        "until": _AT + literal_column(str(in_force_for(ends.claim)), BigInteger),
    }
    if ends.comes_back:
        more["before"] = _AT + literal_column(str(COMMITTED_WITHIN), BigInteger)
    return insert(revocations).from_select([*names, *more], rows.add_columns(*more.values()), include_defaults=False)
