"""Owns the tables of the in-memory store, and what each Change does to them.

Refuses exactly what SQL refuses: a taken key, a missing parent, a lost comparison. Its `Conflict` has the same name.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields, replace
from typing import TypeVar, assert_never

from broker.domain import changes as c
from broker.domain.acceptance import Acceptance, Choice
from broker.domain.application import Application
from broker.domain.client_org import Authorization, ClientOrg
from broker.domain.connection import Connection, ConnectionStatus
from broker.domain.consent import Consent
from broker.domain.device_request import DeviceRequest
from broker.domain.errors import Conflict
from broker.domain.grant import CODE_LIFETIME, Grant
from broker.domain.hold import Hold
from broker.domain.identity import Identity
from broker.domain.ids import (
    ApplicationId,
    AttemptId,
    AuthorizationId,
    ClientOrgId,
    ConnectionId,
    DeviceRequestId,
    GrantId,
    IdentityId,
    KeyedHash,
    SessionId,
    UserId,
)
from broker.domain.ledger import AuditEvent
from broker.domain.ledger_chain import Link
from broker.domain.logout import LogoutResult, PendingLogout
from broker.domain.outbox import PendingRevocation, RevocationResult
from broker.domain.revocation import COMMITTED_WITHIN, Claim, Notice, in_force_for
from broker.domain.sealing import WrappedKey
from broker.domain.session import Session
from broker.domain.signing_key import KeyState, SigningKey
from broker.domain.user import User, UserStatus

Key = TypeVar("Key", bound=Hashable)
Row = TypeVar("Row")


@dataclass(kw_only=True, slots=True)
class Tables:
    """Every table by its key. The data keys' is their owner."""

    users: dict[UserId, User] = field(default_factory=dict)
    acceptances: dict[Acceptance, None] = field(default_factory=dict)
    choices: dict[tuple[UserId, str], Choice] = field(default_factory=dict)
    identities: dict[IdentityId, Identity] = field(default_factory=dict)
    data_keys: dict[str, WrappedKey] = field(default_factory=dict)
    connections: dict[ConnectionId, Connection] = field(default_factory=dict)
    sessions: dict[SessionId, Session] = field(default_factory=dict)
    taken_attempts: dict[AttemptId, int] = field(default_factory=dict)
    applications: dict[ApplicationId, Application] = field(default_factory=dict)
    client_orgs: dict[ClientOrgId, ClientOrg] = field(default_factory=dict)
    authorizations: dict[AuthorizationId, Authorization] = field(default_factory=dict)
    grants: dict[GrantId, Grant] = field(default_factory=dict)
    device_requests: dict[DeviceRequestId, DeviceRequest] = field(default_factory=dict)
    consents: dict[tuple[UserId, ApplicationId], Consent] = field(default_factory=dict)
    pending_revocations: dict[str, PendingRevocation] = field(default_factory=dict)
    pending_logouts: dict[tuple[str, ApplicationId], PendingLogout] = field(default_factory=dict)
    signing_keys: dict[str, SigningKey] = field(default_factory=dict)
    key_checks: dict[str, KeyedHash] = field(default_factory=dict)
    revocations: dict[int, Notice] = field(default_factory=dict)
    tombstones: dict[UserId, int] = field(default_factory=dict)
    last_cursor: dict[str, int] = field(default_factory=dict)
    ledger: dict[int, AuditEvent] = field(default_factory=dict)
    holds: dict[UserId, Hold] = field(default_factory=dict)
    ledger_links: dict[int, Link] = field(default_factory=dict)
    ledger_heads: dict[int, tuple[int, str]] = field(default_factory=dict)
    leases: dict[str, tuple[str, int]] = field(default_factory=dict)

    def copy(self) -> Tables:
        """The same rows in tables of their own. Rows are values, so they can be shared."""
        return Tables(**{table.name: dict(getattr(self, table.name)) for table in fields(self)})

    def apply(self, change: c.Change) -> None:
        """Do what `change` says. Raises `Conflict`; the tables are of no use then."""
        try:
            self._apply(change)
        except _Lost:
            raise Conflict(type(change).__name__) from None

    def _apply(self, change: c.Change) -> None:
        match change:
            case c.TakeAttempt():
                _add(self.taken_attempts, change.attempt_id, change.expires_at)
            case c.TakeAssertion():
                _add(self.taken_attempts, AttemptId(change.assertion), change.expires_at)
            case c.TakePushedRequest():
                _add(self.taken_attempts, AttemptId(change.request_id), change.expires_at)
            case c.AddUser(user=user):
                _add(self.users, user.id, user)
            case c.Accept(acceptance=acceptance):
                _needs(acceptance.user_id in self.users)
                _add(self.acceptances, acceptance, None)
            case c.SetAccepted():
                if change.user_id in self.users:
                    _set(self.users, change.user_id, accepted=change.accepted)
            case c.PutChoice(choice=choice):
                _needs(choice.user_id in self.users)
                self.choices[choice.user_id, choice.subject] = choice
            case c.SetUserStatus():
                if change.user_id in self.users and self.users[change.user_id].status is not change.status:
                    _set(self.users, change.user_id, status=change.status)
                    self._next_epochs([change.user_id], change.at)
                    if change.status is UserStatus.SUSPENDED:
                        theirs = {
                            s.id for s in self.sessions.values() if s.user_id == change.user_id and not s.ended_at
                        }
                        about = f"{change.user_id}.{self.users[change.user_id].epoch}"
                        self._tell_applications(about, theirs, None, change.at)
            case c.AddIdentity(identity=identity):
                _needs(identity.user_id in self.users)
                _needs(all(known.hash != identity.hash for known in self.identities.values()))
                _add(self.identities, identity.id, identity)
            case c.AddDataKey(key=key):
                _needs(all(known.id != key.id for known in self.data_keys.values()))
                _add(self.data_keys, key.owner, key)
            case c.RewrapDataKey(key=key):
                kept = self.data_keys.get(key.owner)
                if kept is not None and (kept.id, kept.wrapped) == (key.id, change.expected_wrapped):
                    _set(self.data_keys, key.owner, kek_id=key.kek_id, wrapped=key.wrapped)
            case c.ReplaceDataKey(key=key):
                kept = self.data_keys.get(key.owner)
                expected = (change.expected_id, change.expected_wrapped)
                _needs(kept is not None and (kept.id, kept.wrapped) == expected)
                _needs(all(known.id != key.id or known.owner == key.owner for known in self.data_keys.values()))
                self.data_keys[key.owner] = key
            case c.AddConnection(connection=connection):
                self._connect(connection)
                _add(self.connections, connection.id, connection)
            case c.ReplaceConnection(connection=connection):
                before = self.connections.pop(connection.id, None)
                _needs(before is not None and before.generation == change.expected_generation)
                self._connect(connection)
                self.connections[connection.id] = connection
            case c.MarkConnection():
                found = self.connections.get(change.connection_id)
                _needs(found is not None and found.status is ConnectionStatus.ACTIVE)
                _needs(found is not None and found.generation == change.expected_generation)
                _set(self.connections, change.connection_id, status=ConnectionStatus.NEEDS_REAUTH)
            case (
                c.AddSession()
                | c.RenewSession()
                | c.TouchSession()
                | c.EndSession()
                | c.EndOtherSessions()
                | c.EndSessionsOfConnection()
                | c.EndSessionsOfUser()
                | c.EndSessionsOfUpstream()
            ):
                self._sessions(change)
            case c.RetryLogout():
                logout = self.pending_logouts.get((change.about, change.application_id))
                _needs(logout is not None and logout.tries == change.expected_tries)
                _needs(logout is not None and logout.result is LogoutResult.PENDING)
                _set(
                    self.pending_logouts,
                    (change.about, change.application_id),
                    tries=change.expected_tries + 1,
                    next_try_at=change.next_try_at,
                )
            case c.SettleLogout():
                _set(self.pending_logouts, (change.about, change.application_id), result=change.result)
            case (
                c.AddGrant()
                | c.RedeemGrant()
                | c.RefreshGrant()
                | c.RememberReleased()
                | c.RevokeGrant()
                | c.RevokeGrantsOf()
            ):
                self._grants(change)
            case c.AddDeviceRequest() | c.PollDeviceRequest() | c.DecideDeviceRequest():
                self._device_requests(change)
            case c.DismissWarning():
                grant = self.grants.get(change.grant_id)
                if grant is not None and (grant.user_id, grant.dismissed_at) == (change.user_id, None):
                    _set(self.grants, grant.id, dismissed_at=change.at)
            case c.PutConsent(consent=consent):
                _needs(consent.user_id in self.users and consent.application_id in self.applications)
                self.consents[consent.user_id, consent.application_id] = consent
            case c.RelyOnConsent(consent=consent):
                _needs(self.consents.get((consent.user_id, consent.application_id)) == consent)
            case c.RemoveConsent():
                self.consents.pop((change.user_id, change.application_id), None)
            case (
                c.PutClientOrg()
                | c.RemoveClientOrg()
                | c.PutApplication()
                | c.RemoveApplication()
                | c.AddAuthorization()
                | c.BindAuthorization()
                | c.SetRights()
                | c.RemoveAuthorization()
            ):
                self._catalogue(change)
            case c.AddPendingRevocation(pending=pending):
                _needs(pending.connection_id is None or pending.connection_id in self.connections)
                _add(self.pending_revocations, pending.id, pending)
            case c.RetryRevocation():
                row = self.pending_revocations.get(change.id)
                _needs(
                    row is not None and row.tries == change.expected_tries and row.result is RevocationResult.PENDING
                )
                _set(
                    self.pending_revocations,
                    change.id,
                    tries=change.expected_tries + 1,
                    next_try_at=change.next_try_at,
                )
            case c.ResealRevocation():
                row = self.pending_revocations.get(change.id)
                if row is not None and row.sealed_token is not None:
                    _set(self.pending_revocations, change.id, sealed_token=change.sealed_token)
            case c.SettleRevocation():
                _set(self.pending_revocations, change.id, result=change.result, sealed_token=None)
            case (
                c.AddSigningKey()
                | c.PromoteSigningKey()
                | c.RetireSigningKey()
                | c.RevokeSigningKey()
                | c.RemoveSigningKey()
            ):
                self._signing_keys(change)
            case c.AddKeyCheck(name=name, value=value):
                _add(self.key_checks, name, value)
            case c.PutTombstone():
                self.tombstones.setdefault(change.user_id, change.at)
            case c.SetEraseAt():
                _set(self.users, change.user_id, erase_at=change.erase_at)
            case (
                c.RemoveDataKey()
                | c.RemovePendingRevocationsOf()
                | c.RemoveGrantsOf()
                | c.RemoveSessionsOf()
                | c.RemoveConnectionsOf()
                | c.RemoveIdentitiesOf()
                | c.RemoveConsentsOf()
                | c.RemoveAcceptancesOf()
                | c.RemoveChoicesOf()
                | c.RemoveAuthorizationsOf()
            ):
                self._remove_of(change.user_id, _TABLE_OF[type(change)])
            case c.RemoveUser():
                _needs(not any(self._of(change.user_id, table) for table in _TABLE_OF.values()))
                self.users.pop(change.user_id, None)
            case c.Announce(notice=notice):
                self._tell(notice)
            case c.Record(event=event):
                self.last_cursor["ledger"] = self.last_cursor.get("ledger", 0) + 1
                self.ledger[self.last_cursor["ledger"]] = event
            case c.AddLink(link=link):
                _needs(all(known.event_id != link.event_id for known in self.ledger_links.values()))
                _add(self.ledger_links, link.position, link)
            case c.AddLedgerHead():
                _add(self.ledger_heads, change.position, (change.at, change.signed))
            case c.PruneLedger():
                for link in self.ledger_links.values():
                    gone = self.ledger.get(link.event_id)
                    within = change.first <= link.position <= change.last
                    goes = self.may_be_pruned(gone, change.before, change.actions, others=change.others)
                    if gone is not None and goes and within and gone.user_id not in change.spared:
                        del self.ledger[link.event_id]
            case c.PutHold(hold=hold):
                _needs(hold.user_id in self.users)
                since = self.holds.get(hold.user_id, hold).since
                self.holds[hold.user_id] = replace(hold, since=since)
            case c.RemoveHold():
                self.holds.pop(change.user_id, None)
            case c.RequireNotHeld():
                _needs(change.user_id in self.users and change.user_id not in self.holds)
            case c.RemoveGrantsOfSessions(session_ids=gone_with):
                self.grants = {
                    id_: g for id_, g in self.grants.items() if g.session_id not in gone_with or g.user_id in self.holds
                }
            case c.RemoveSessions(session_ids=over):
                going = {s.id for s in self.sessions.values() if s.id in over and s.user_id not in self.holds}
                _needs(all(grant.session_id not in going for grant in self.grants.values()))
                self.sessions = {id_: s for id_, s in self.sessions.items() if id_ not in going}
            case _:
                assert_never(change)

    def _of(self, user_id: UserId, table: str) -> list[Hashable]:
        """The keys of the rows that mention a User."""
        rows = getattr(self, table)
        if table == "data_keys":
            return [user_id] if user_id in rows else []
        if table == "acceptances":
            return [row for row in rows if row.user_id == user_id]
        return [key for key, row in rows.items() if row.user_id == user_id]

    def _remove_of(self, user_id: UserId, table: str) -> None:
        for key in self._of(user_id, table):
            del getattr(self, table)[key]

    def may_be_pruned(self, event: AuditEvent | None, before: int, actions: AbstractSet[str], *, others: bool) -> bool:
        """Whether an event is there, old enough, of these actions (or all others), and of nobody who is held."""
        return (
            event is not None
            and event.at <= before
            and (event.action in actions) is not others
            and event.user_id not in self.holds
        )

    def _connect(self, connection: Connection) -> None:
        _needs(connection.user_id in self.users and connection.identity_id in self.identities)
        _needs(all(other.identity_id != connection.identity_id for other in self.connections.values()))

    def _sessions(
        self,
        change: c.AddSession
        | c.RenewSession
        | c.TouchSession
        | c.EndSession
        | c.EndOtherSessions
        | c.EndSessionsOfConnection
        | c.EndSessionsOfUser
        | c.EndSessionsOfUpstream,
    ) -> None:
        match change:
            case c.AddSession(session=new):
                _needs(new.user_id in self.users and new.connection_id in self.connections)
                _needs(all(known.secret != new.secret for known in self.sessions.values()))
                _add(self.sessions, new.id, new)
                return
            case c.RenewSession(session=new):
                known = self.sessions.get(new.id)
                _needs(known is not None and (known.secret, known.ended_at) == (change.expected_secret, None))
                self.sessions[new.id] = new
                return
            case c.TouchSession():
                known = self.sessions.get(change.session_id)
                if known is not None and known.last_seen_at < change.at:
                    self.sessions[known.id] = replace(known, last_seen_at=change.at)
                return
            case c.EndSession():
                ended = [s for s in self.sessions.values() if (s.id, s.user_id) == (change.session_id, change.user_id)]
            case c.EndOtherSessions():
                ended = [s for s in self.sessions.values() if s.user_id == change.user_id and s.id != change.but]
            case c.EndSessionsOfConnection():
                ended = [s for s in self.sessions.values() if s.connection_id == change.connection_id]
            case c.EndSessionsOfUser():
                ended = [s for s in self.sessions.values() if s.user_id == change.user_id]
            case c.EndSessionsOfUpstream():
                named, whole = change.upstream_sid, (change.connection_id, None)
                ended = [
                    s
                    for s in self.sessions.values()
                    if s.upstream_sid == named or (s.connection_id, s.upstream_sid) == whole
                ]
            case _:
                assert_never(change)
        for live in (s for s in ended if s.ended_at is None):
            self.sessions[live.id] = replace(live, ended_at=change.at)
            self._end(Claim.SID, live.id, change.at)
            self._tell_applications(live.id, {live.id}, live.id, change.at)

    def _tell_applications(self, about: str, sessions: set[SessionId], session_id: SessionId | None, at: int) -> None:
        for grant in self.grants.values():
            wants = self.applications[grant.application_id].backchannel_logout_uri is not None
            has_tokens = grant.redeemed_at is not None or grant.created_at > at - CODE_LIFETIME
            if grant.session_id in sessions and wants and has_tokens:
                self.pending_logouts[about, grant.application_id] = PendingLogout(
                    about=about,
                    application_id=grant.application_id,
                    user_id=grant.user_id,
                    session_id=session_id,
                    tries=0,
                    next_try_at=at,
                    created_at=at,
                    result=LogoutResult.PENDING,
                )

    def _grants(
        self,
        change: c.AddGrant | c.RedeemGrant | c.RefreshGrant | c.RememberReleased | c.RevokeGrant | c.RevokeGrantsOf,
    ) -> None:
        match change:
            case c.AddGrant(grant=new):
                _needs(new.application_id in self.applications and new.session_id in self.sessions)
                _needs(all(known.code != new.code for known in self.grants.values()))
                _add(self.grants, new.id, new)
            case c.RedeemGrant():
                grant = self.grants.get(change.grant_id)
                _needs(grant is not None and grant.redeemed_at is None and grant.revoked_at is None)
                _set(
                    self.grants,
                    change.grant_id,
                    redeemed_at=change.at,
                    dpop_jkt=change.dpop_jkt,
                    released=change.released,
                )
            case c.RefreshGrant():
                grant = self.grants.get(change.grant_id)
                _needs(grant is not None and grant.revoked_at is None)
                _needs(grant is not None and grant.generation == change.expected_generation)
                _set(self.grants, change.grant_id, generation=change.generation, refreshed_at=change.at)
            case c.RememberReleased():
                grant = self.grants.get(change.grant_id)
                _needs(grant is not None and grant.released == change.expected)
                _set(self.grants, change.grant_id, released=change.released)
            case c.RevokeGrant():
                self._revoke([g for g in self.grants.values() if g.id == change.grant_id], change)
            case c.RevokeGrantsOf():
                whose = (change.user_id, change.application_id)
                theirs = [
                    g for g in self.grants.values() if (self.sessions[g.session_id].user_id, g.application_id) == whose
                ]
                self._revoke(theirs, change)
            case _:
                assert_never(change)

    def _device_requests(self, change: c.AddDeviceRequest | c.PollDeviceRequest | c.DecideDeviceRequest) -> None:
        match change:
            case c.AddDeviceRequest(request=new):
                _needs(new.application_id in self.applications)
                _needs(all(known.device_code != new.device_code for known in self.device_requests.values()))
                _needs(all(known.user_code != new.user_code for known in self.device_requests.values()))
                _add(self.device_requests, new.id, new)
            case c.PollDeviceRequest():
                _set(self.device_requests, change.id, last_polled_at=change.at, interval=change.interval)
            case c.DecideDeviceRequest():
                request = self.device_requests.get(change.id)
                _needs(request is not None and request.waits(change.at))
                _set(self.device_requests, change.id, decision=change.decision)
            case _:
                assert_never(change)

    def _revoke(self, grants: Sequence[Grant], change: c.RevokeGrant | c.RevokeGrantsOf) -> None:
        for grant in (g for g in grants if g.revoked_at is None):
            _set(self.grants, grant.id, revoked_at=change.at, revoked_for=change.reason)
            self._end(Claim.JTI, grant.id, change.at)

    def _signing_keys(
        self,
        change: c.AddSigningKey | c.PromoteSigningKey | c.RetireSigningKey | c.RevokeSigningKey | c.RemoveSigningKey,
    ) -> None:
        keys = self.signing_keys
        match change:
            case c.AddSigningKey(key=new):
                _add(keys, new.kid, new)
            case c.PromoteSigningKey(kid=kid):
                _needs(kid in keys and keys[kid].state is KeyState.PENDING)
                _set(keys, kid, active=True, activated_at=change.at)
            case c.RetireSigningKey(kid=kid):
                _needs(kid in keys and keys[kid].state in (KeyState.PENDING, KeyState.ACTIVE))
                _set(keys, kid, active=False, retired_at=change.at)
            case c.RevokeSigningKey(kid=kid):
                _needs(kid in keys and keys[kid].state is not KeyState.REVOKED)
                _set(keys, kid, active=False, revoked_at=change.at, sealed_private=b"")
                self._end(Claim.KID, kid, change.at)
            case c.RemoveSigningKey(kid=kid):
                _needs(kid in keys and keys[kid].gone_from is not None)
                del keys[kid]
            case _:
                assert_never(change)
        alone = [(k.alg, k.state) for k in keys.values() if k.state in (KeyState.PENDING, KeyState.ACTIVE)]
        _needs(len(set(alone)) == len(alone))

    def _catalogue(
        self,
        change: c.PutClientOrg
        | c.RemoveClientOrg
        | c.PutApplication
        | c.RemoveApplication
        | c.AddAuthorization
        | c.BindAuthorization
        | c.SetRights
        | c.RemoveAuthorization,
    ) -> None:
        match change:
            case c.PutClientOrg(client_org=client_org):
                before = self.client_orgs.get(client_org.id, client_org)
                self.client_orgs[client_org.id] = client_org
                if before.rights != client_org.rights:
                    self._next_epochs(self._holders(client_org.id), change.at)
            case c.RemoveClientOrg():
                self._next_epochs(self._holders(change.client_org_id), change.at)
                self.client_orgs.pop(change.client_org_id, None)
                self.authorizations = {
                    a.id: a for a in self.authorizations.values() if a.client_org != change.client_org_id
                }
            case c.PutApplication(application=application):
                self.applications[application.id] = application
            case c.RemoveApplication(application_id=gone):
                if self.applications.pop(gone, None) is not None:
                    self._end(Claim.CLIENT_ID, gone, change.at, before=change.at + COMMITTED_WITHIN)
                self.grants = {g.id: g for g in self.grants.values() if g.application_id != gone}
                waiting = self.device_requests.values()
                self.device_requests = {d.id: d for d in waiting if d.application_id != gone}
                self.consents = {key: consent for key, consent in self.consents.items() if key[1] != gone}
            case c.AddAuthorization(authorization=new):
                _needs(new.client_org in self.client_orgs and (new.user_id is None or new.user_id in self.users))
                given = {(known.client_org, known.invited_email) for known in self.authorizations.values()}
                _needs((new.client_org, new.invited_email) not in given)
                _add(self.authorizations, new.id, new)
            case c.BindAuthorization():
                invitation = self.authorizations.get(change.authorization_id)
                _needs(invitation is not None and invitation.user_id is None and change.user_id in self.users)
                _set(self.authorizations, change.authorization_id, user_id=change.user_id)
                _set(self.users, change.user_id, epoch=self.users[change.user_id].epoch + 1)
            case c.SetRights():
                known = self.authorizations.get(change.authorization_id)
                if known is not None and known.rights != change.rights:
                    _set(self.authorizations, known.id, rights=change.rights)
                    self._next_epochs([known.user_id], change.at)
            case c.RemoveAuthorization():
                known = self.authorizations.pop(change.authorization_id, None)
                self._next_epochs([] if known is None else [known.user_id], change.at)
            case _:
                assert_never(change)

    def _holders(self, client_org: ClientOrgId) -> list[UserId | None]:
        return [a.user_id for a in self.authorizations.values() if a.client_org == client_org]

    def _next_epochs(self, user_ids: Sequence[UserId | None], at: int) -> None:
        for user_id in sorted({u for u in user_ids if u is not None}):
            epoch = self.users[user_id].epoch + 1
            _set(self.users, user_id, epoch=epoch)
            self._end(Claim.SUB, user_id, at, epoch=epoch)

    def _end(self, claim: Claim, value: str, at: int, *, epoch: int | None = None, before: int | None = None) -> None:
        until = at + in_force_for(claim)
        self._tell(Notice(claim=claim, value=value, epoch=epoch, before=before, until=until))

    def _tell(self, notice: Notice) -> None:
        self.last_cursor["revocations"] = cursor = self.last_cursor.get("revocations", 0) + 1
        self.revocations[cursor] = notice


_TABLE_OF = {
    c.RemoveDataKey: "data_keys",
    c.RemovePendingRevocationsOf: "pending_revocations",
    c.RemoveGrantsOf: "grants",
    c.RemoveSessionsOf: "sessions",
    c.RemoveConnectionsOf: "connections",
    c.RemoveIdentitiesOf: "identities",
    c.RemoveConsentsOf: "consents",
    c.RemoveAcceptancesOf: "acceptances",
    c.RemoveChoicesOf: "choices",
    c.RemoveAuthorizationsOf: "authorizations",
}
OF_USERS = tuple(table for table in _TABLE_OF.values() if table != "data_keys")


class _Lost(Exception):
    """Something that the Change needs is not so."""


def _needs(so: bool) -> None:
    if not so:
        raise _Lost


def _add(table: dict[Key, Row], key: Key, row: Row) -> None:
    _needs(key not in table)
    table[key] = row


def _set(table: dict[Key, Row], key: Key, **values: object) -> None:
    if key in table:
        table[key] = replace(table[key], **values)  # type: ignore[type-var]
