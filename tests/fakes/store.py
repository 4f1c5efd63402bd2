"""A `Store` in memory, for the tests of flows: it passes the same contract as the one on SQL (tests/storage/).

Refuses to outlive its process, and nothing else that SQL would do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

from broker.domain.acceptance import Acceptance, Choice
from broker.domain.application import Application, ApplicationType, GrantType
from broker.domain.changes import Change, Record, RefreshGrant
from broker.domain.client_org import Authorization
from broker.domain.connection import Connection
from broker.domain.consent import Consent
from broker.domain.device_request import DeviceRequest
from broker.domain.errors import Fault
from broker.domain.grant import REFRESH_LIFETIME, Grant
from broker.domain.identity import Identity
from broker.domain.ids import (
    ApplicationId,
    AttemptId,
    ConnectionId,
    GrantId,
    KeyedHash,
    PushedRequestId,
    RegistrationId,
    SessionId,
    UserId,
)
from broker.domain.ledger import AuditEvent
from broker.domain.logout import KEPT_FOR, LogoutResult, PendingLogout
from broker.domain.outbox import PendingRevocation, RevocationResult
from broker.domain.refresh_token import IDLE_LIFETIME, PlainUse
from broker.domain.revocation import Notice
from broker.domain.sealing import SYSTEM_OWNER, WrappedKey
from broker.domain.session import ABSOLUTE_LIFETIME, Session
from broker.domain.session_token import LIFETIME
from broker.domain.signing_key import SigningKey
from broker.domain.user import User, UserStatus
from broker.flows.found import (
    Access,
    Arrival,
    AttemptInFull,
    Catalogue,
    ConnectionInFull,
    DeviceInFull,
    GrantInContext,
    GrantInFull,
    HeldAuthorizations,
    KnownIdentity,
    LiveSession,
    PlainlyUsed,
    Records,
    Told,
)
from tests.fakes.complete import require_event
from tests.fakes.ledger import MemoryLedger
from tests.fakes.records import records_of
from tests.fakes.retention import MemoryRetention
from tests.fakes.tables import OF_USERS, Tables


class MemoryStore(MemoryLedger, MemoryRetention):
    """While `down` is set nothing answers, as when the database is away. `writes` keeps what was written.

    Takes nothing from a flow that the ledger has no line of.
    """

    def __init__(self) -> None:
        self.tables = Tables()
        self.writes: list[tuple[Change, ...]] = []
        self.down = False

    async def write(self, *changes: Change) -> None:
        self._answer()
        require_event(changes)
        tables = self.tables.copy()
        for change in changes:
            tables.apply(change)
        self.tables = tables
        self.writes.append(changes)

    async def application(self, application_id: ApplicationId) -> Application | None:
        return self._answer().applications.get(application_id)

    async def session(self, secret: KeyedHash) -> LiveSession | None:
        tables = self._answer()
        found = next((s for s in tables.sessions.values() if s.secret == secret), None)
        return None if found is None else LiveSession(session=found, user=tables.users[found.user_id])

    async def attempt(self, taken: AttemptId | PushedRequestId, application_id: ApplicationId | None) -> AttemptInFull:
        tables = self._answer()
        application = None if application_id is None else tables.applications.get(application_id)
        return AttemptInFull(taken=taken in tables.taken_attempts, application=application)

    async def arrival(
        self,
        registration: RegistrationId,
        identity_hash: KeyedHash,
        email: KeyedHash | None,
        connecting: UserId | None,
    ) -> Arrival:
        tables = self._answer()
        known = self._known(next((i for i in tables.identities.values() if i.hash == identity_hash), None))
        user_id = connecting if known is None else known.user.id
        invited = [a for a in tables.authorizations.values() if a.invited_email == email]
        others = {a.user_id for a in invited}
        return Arrival(
            known=known,
            held=self._held(
                a
                for a in tables.authorizations.values()
                if (a in invited if a.user_id is None else a.user_id == user_id)
            ),
            bound_elsewhere=any(
                i.user_id in others and i.registration == registration and i.hash != identity_hash
                for i in tables.identities.values()
            ),
            agreed=self._agreed(user_id),
        )

    async def data_key(self, owner: str) -> WrappedKey | None:
        return self._answer().data_keys.get(owner)

    async def held_authorizations(self, user_id: UserId) -> HeldAuthorizations:
        return self._held(a for a in self._answer().authorizations.values() if a.user_id == user_id)

    async def grant_by_code(self, code: KeyedHash) -> GrantInFull | None:
        return self._in_full(next((g for g in self._answer().grants.values() if g.code == code), None))

    async def grant(self, grant_id: GrantId) -> GrantInFull | None:
        return self._in_full(self._answer().grants.get(grant_id))

    async def use_plainly(self, use: PlainUse) -> PlainlyUsed:
        found = await self.grant(use.grant_id)
        if found is None or not _is_plain(use, found):
            return PlainlyUsed(found=found, used=False)
        event = AuditEvent(
            at=use.at,
            action="refresh",
            outcome="done",
            request_id=use.request_id,
            user_id=found.user.id,
            application_id=found.application.id,
            registration=found.connection.registration,
            object_id=found.grant.id,
        )
        rotated = RefreshGrant(
            grant_id=use.grant_id, expected_generation=use.generation, generation=use.generation + 1, at=use.at
        )
        await MemoryStore.write(self, rotated, Record(event=event))
        return PlainlyUsed(found=found, used=True)

    async def device_by_device_code(self, code: KeyedHash) -> DeviceInFull | None:
        return self._device_in_full(d for d in self._answer().device_requests.values() if d.device_code == code)

    async def device_by_user_code(self, code: KeyedHash) -> DeviceInFull | None:
        return self._device_in_full(d for d in self._answer().device_requests.values() if d.user_code == code)

    async def consent(self, user_id: UserId, application_id: ApplicationId) -> Consent | None:
        return self._answer().consents.get((user_id, application_id))

    async def choices_of(self, user_id: UserId) -> Sequence[Choice]:
        said = self._answer().choices.values()
        return tuple(sorted((s for s in said if s.user_id == user_id), key=attrgetter("subject")))

    async def acceptances_of(self, user_id: UserId) -> Sequence[Acceptance]:
        accepted = self._answer().acceptances
        return tuple(sorted((a for a in accepted if a.user_id == user_id), key=attrgetter("at", "document")))

    async def connections_of(self, user_id: UserId) -> Sequence[ConnectionInFull]:
        of_user = [x for x in self._answer().connections.values() if x.user_id == user_id]
        return self._connections_in_full(sorted(of_user, key=attrgetter("created_at", "id")))

    async def connection(self, connection_id: ConnectionId) -> ConnectionInFull | None:
        found = self._answer().connections.get(connection_id)
        in_full = self._connections_in_full([] if found is None else [found])
        return in_full[0] if in_full else None

    async def users_of_email(self, email: KeyedHash) -> Sequence[UserId]:
        granted = self._answer().authorizations.values()
        return tuple(sorted({a.user_id for a in granted if a.invited_email == email and a.user_id is not None}))

    async def user(self, user_id: UserId) -> User | None:
        return self._answer().users.get(user_id)

    async def access_of(self, user_id: UserId) -> Sequence[Access]:
        tables = self._answer()
        of_user = [g for g in tables.grants.values() if tables.sessions[g.session_id].user_id == user_id]
        by_age = sorted(of_user, key=attrgetter("created_at", "id"))
        named = {g.application_id for g in by_age} | {of for who, of in tables.consents if who == user_id}
        return tuple(
            Access(
                application=tables.applications[name],
                consent=tables.consents.get((user_id, name)),
                held=self._held(a for a in tables.authorizations.values() if a.user_id == user_id),
                grants=tuple(self._in_context(g) for g in by_age if g.application_id == name),
            )
            for name in sorted(named)
        )

    async def records_of(self, user_id: UserId) -> Records:
        return records_of(self._answer(), user_id)

    async def connections_keeping(self, after: str, limit: int) -> Sequence[ConnectionInFull]:
        keeping = [x for x in self._answer().connections.values() if x.sealed_attributes is not None and x.id > after]
        return self._connections_in_full(sorted(keeping, key=attrgetter("id")))[:limit]

    async def connections_after(self, after: str, limit: int) -> Sequence[ConnectionInFull]:
        later = [x for x in self._answer().connections.values() if x.id > after]
        return self._connections_in_full(sorted(later, key=attrgetter("id")))[:limit]

    async def sessions_of(self, user_id: UserId, since: int) -> Sequence[Session]:
        of_user = [
            s
            for s in self._answer().sessions.values()
            if s.user_id == user_id and s.ended_at is None and s.last_seen_at >= since
        ]
        return tuple(sorted(of_user, key=lambda s: (-s.auth_time, s.id)))

    async def user_of_upstream(self, upstream_sid: KeyedHash) -> UserId | None:
        found = self._answer().sessions.values()
        return next((s.user_id for s in found if s.upstream_sid == upstream_sid), None)

    async def applications_used(self, user_id: UserId) -> Mapping[SessionId, str]:
        tables = self._answer()
        of_user = [g for g in tables.grants.values() if tables.sessions[g.session_id].user_id == user_id]
        by_age = sorted(of_user, key=attrgetter("created_at", "id"))
        return {grant.session_id: tables.applications[grant.application_id].name for grant in by_age}

    async def catalogue(self) -> Catalogue:
        tables = self._answer()
        return Catalogue(
            clients=dict(tables.client_orgs),
            applications=dict(tables.applications),
            authorizations=_in_order(tables.authorizations.values()),
        )

    async def rows_of_user(self, user_id: UserId) -> Mapping[str, int]:
        tables = self._answer()
        counts = {table: len(tables._of(user_id, table)) for table in OF_USERS}
        return {table: count for table, count in counts.items() if count}

    async def due_erasures(self, now: int, limit: int) -> Sequence[UserId]:
        due = [(u.erase_at, u.id) for u in self._answer().users.values() if u.erase_at is not None]
        return tuple(user_id for at, user_id in sorted(due) if at <= now)[:limit]

    async def resurrected(self, limit: int) -> Sequence[UserId]:
        tables = self._answer()
        return tuple(sorted(tables.users.keys() & tables.tombstones.keys()))[:limit]

    async def pending_revocation(self, pending_id: str) -> PendingRevocation | None:
        return self._answer().pending_revocations.get(pending_id)

    async def due_revocations(self, now: int, limit: int) -> Sequence[PendingRevocation]:
        due = [p for p in self._pending() if p.next_try_at <= now]
        return tuple(sorted(due, key=attrgetter("next_try_at", "id"))[:limit])

    async def applications_to_tell(self, now: int) -> Sequence[ApplicationId]:
        return tuple(sorted({p.application_id for p in self._due_logouts(now)}))

    async def due_logouts(self, application_id: ApplicationId, now: int, limit: int) -> Sequence[PendingLogout]:
        due = [p for p in self._due_logouts(now) if p.application_id == application_id]
        return tuple(sorted(due, key=attrgetter("next_try_at", "about"))[:limit])

    async def key_check(self, name: str) -> KeyedHash | None:
        return self._answer().key_checks.get(name)

    async def signing_keys(self) -> Sequence[SigningKey]:
        return tuple(sorted(self._answer().signing_keys.values(), key=attrgetter("created_at", "kid")))

    async def signing_algorithms(self) -> Sequence[str]:
        chosen = {a.signing_algorithm for a in self._answer().applications.values()}
        return tuple(sorted(alg for alg in chosen if alg is not None))

    async def data_keys_by_kek(self) -> Mapping[str, Sequence[WrappedKey]]:
        keys = self._answer().data_keys.values()
        found: dict[str, tuple[WrappedKey, ...]] = {}
        for kek_id in sorted({key.kek_id for key in keys}):
            of_kek = sorted((key for key in keys if key.kek_id == kek_id), key=attrgetter("id"))
            system = [key for key in of_kek if key.owner == SYSTEM_OWNER]
            found[kek_id] = (*system, *(key for key in of_kek[:3] if key not in system))
        return found

    async def keks_in_use(self) -> Sequence[str]:
        return tuple(sorted({key.kek_id for key in self._answer().data_keys.values()}))

    async def data_key_counts(self) -> Mapping[str, int]:
        return dict(sorted(Counter(key.kek_id for key in self._answer().data_keys.values()).items()))

    async def data_keys_under(self, kek_id: str, after: str, limit: int) -> Sequence[WrappedKey]:
        under = [key for key in self._answer().data_keys.values() if key.kek_id == kek_id and key.id > after]
        return tuple(sorted(under, key=attrgetter("id"))[:limit])

    async def revocations(self, first: int, limit: int) -> Sequence[Told]:
        found = [_told(c, notice) for c, notice in self._answer().revocations.items() if c >= first]
        return tuple(found[:limit])

    async def revocations_in_force(self, now: int) -> Sequence[Told]:
        return tuple(_told(c, notice) for c, notice in self._answer().revocations.items() if notice.until > now)

    async def last_revocation(self) -> int:
        return max(self._answer().revocations, default=0)

    async def take_lease(self, name: str, holder: str, now: int, seconds: int) -> bool:
        leases = self._answer().leases
        held_by, until = leases.get(name, (holder, 0))
        if held_by != holder and until > now:
            return False
        leases[name] = (holder, now + seconds)
        return True

    async def forget_expired(self, now: int) -> int:
        tables = self._answer()
        before = now - ABSOLUTE_LIFETIME - LIFETIME
        held = tables.holds
        grants = {g.id: g for g in tables.grants.values() if g.kept_until > now - LIFETIME or g.user_id in held}
        in_use = {g.session_id for g in grants.values()}
        left: dict[str, dict[Any, Any]] = {
            "grants": grants,
            "sessions": {
                s.id: s for s in tables.sessions.values() if s.auth_time > before or s.id in in_use or s.user_id in held
            },
            "taken_attempts": {taken: until for taken, until in tables.taken_attempts.items() if until > now},
            "revocations": {cursor: notice for cursor, notice in tables.revocations.items() if notice.until > now},
            "device_requests": {d.id: d for d in tables.device_requests.values() if d.expires_at > now - LIFETIME},
            "pending_logouts": {
                key: told
                for key, told in tables.pending_logouts.items()
                if told.created_at > now - KEPT_FOR or told.result is LogoutResult.PENDING or told.user_id in held
            },
            "leases": {name: held for name, held in tables.leases.items() if held[1] > now},
        }
        forgotten = 0
        for name, rows in left.items():
            went = len(getattr(tables, name)) - len(rows)
            setattr(tables, name, rows)
            forgotten += went
            if went and name != "leases":
                event = AuditEvent(at=now, action="expired.forget", outcome="done", reason=str(went), object_id=name)
                tables.apply(Record(event=event))
        return forgotten

    async def ping(self) -> None:
        self._answer()

    def _due_logouts(self, now: int) -> Sequence[PendingLogout]:
        told = self._answer().pending_logouts.values()
        return [p for p in told if p.result is LogoutResult.PENDING and p.next_try_at <= now]

    def _answer(self) -> Tables:
        if self.down:
            raise Fault("storage_unavailable", "The service cannot reach its storage at the moment.")
        return self.tables

    def _in_context(self, grant: Grant) -> GrantInContext:
        return GrantInContext(
            grant=grant,
            application=self.tables.applications[grant.application_id],
            user=self.tables.users[grant.user_id],
            session=self.tables.sessions[grant.session_id],
            held=self._held(a for a in self.tables.authorizations.values() if a.user_id == grant.user_id),
        )

    def _device_in_full(self, requests: Iterable[DeviceRequest]) -> DeviceInFull | None:
        found = next(iter(requests), None)
        if found is None:
            return None
        return DeviceInFull(request=found, application=self.tables.applications[found.application_id])

    def _in_full(self, grant: Grant | None) -> GrantInFull | None:
        if grant is None or grant.user_id not in self.tables.data_keys:
            return None
        context = self._in_context(grant)
        return GrantInFull(
            **{field.name: getattr(context, field.name) for field in fields(context)},
            connection=self.tables.connections[context.session.connection_id],
            data_key=self.tables.data_keys[grant.user_id],
            agreed=self._agreed(grant.user_id),
        )

    def _known(self, identity: Identity | None) -> KnownIdentity | None:
        tables = self.tables
        if identity is None or identity.user_id not in tables.data_keys:
            return None
        return KnownIdentity(
            identity=identity,
            user=tables.users[identity.user_id],
            data_key=tables.data_keys[identity.user_id],
            connection=next((x for x in tables.connections.values() if x.identity_id == identity.id), None),
        )

    def _agreed(self, user_id: UserId | None) -> frozenset[str]:
        return frozenset(s.subject for s in self.tables.choices.values() if s.user_id == user_id and s.agreed)

    def _held(self, authorizations: Iterable[Authorization]) -> HeldAuthorizations:
        held = _in_order(authorizations)
        return HeldAuthorizations(
            authorizations=held, clients={a.client_org: self.tables.client_orgs[a.client_org] for a in held}
        )

    def _connections_in_full(self, connections: Iterable[Connection]) -> tuple[ConnectionInFull, ...]:
        told = sorted(self._answer().pending_revocations.values(), key=attrgetter("created_at", "id"))
        granted = self.tables.authorizations.values()
        return tuple(
            ConnectionInFull(
                connection=connection,
                data_key=self.tables.data_keys[connection.user_id],
                revocations=tuple(r for r in told if r.connection_id == connection.id),
                clients=tuple(sorted({a.client_org for a in granted if a.user_id == connection.user_id})),
                agreed=self._agreed(connection.user_id),
            )
            for connection in connections
            if connection.user_id in self.tables.data_keys
        )

    def _pending(self) -> list[PendingRevocation]:
        return [p for p in self._answer().pending_revocations.values() if p.result is RevocationResult.PENDING]


def _is_plain(use: PlainUse, found: GrantInFull) -> bool:
    grant, application = found.grant, found.application
    last_used = grant.redeemed_at if grant.refreshed_at is None else grant.refreshed_at
    return (
        (grant.generation, application.id) == (use.generation, use.application_id)
        and last_used is not None
        and use.at < min(last_used + IDLE_LIFETIME, grant.created_at + REFRESH_LIFETIME)
        and (grant.revoked_at, grant.organization, grant.dpop_jkt, found.session.ended_at) == (None, None, None, None)
        and not application.dpop
        and "offline_access" in grant.scopes
        and application.type is ApplicationType.PUBLIC
        and GrantType.REFRESH_TOKEN in application.grants
        and not application.requires_authorization
        and found.user.status is UserStatus.ACTIVE
        and use.demanded in (None, found.user.accepted)
        and found.connection.registration in use.registrations
    )


def _told(cursor: int, notice: Notice) -> Told:
    return Told(cursor=cursor, settled=True, notice=notice)


def _in_order(authorizations: Iterable[Authorization]) -> tuple[Authorization, ...]:
    return tuple(sorted(authorizations, key=attrgetter("client_org", "id")))
