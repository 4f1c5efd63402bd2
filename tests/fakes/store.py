"""A `Store` in memory, for the tests of flows: it passes the same contract as the one on SQL (tests/storage/).

Refuses to outlive its process, and nothing else that SQL would do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter

from broker.domain.application import Application
from broker.domain.changes import Change
from broker.domain.client_org import Authorization
from broker.domain.connection import Connection
from broker.domain.consent import Consent
from broker.domain.errors import Fault
from broker.domain.grant import CODE_LIFETIME, Grant
from broker.domain.identity import Identity
from broker.domain.ids import (
    ApplicationId,
    AttemptId,
    ConnectionId,
    GrantId,
    KeyedHash,
    RegistrationId,
    SessionId,
    UserId,
)
from broker.domain.ledger import AuditEvent
from broker.domain.outbox import PendingRevocation, RevocationResult
from broker.domain.sealing import WrappedKey
from broker.domain.session import ABSOLUTE_LIFETIME, Session
from broker.domain.session_token import LIFETIME
from broker.domain.signing_key import SigningKey
from broker.flows.ports import (
    Arrival,
    Catalogue,
    ConnectionInFull,
    GrantInFull,
    HeldAuthorizations,
    KnownIdentity,
    LiveSession,
)
from tests.fakes.tables import Tables


class MemoryStore:
    """While `down` is set nothing answers, as when the database is away. `writes` keeps what was written."""

    def __init__(self) -> None:
        self.tables = Tables()
        self.writes: list[tuple[Change, ...]] = []
        self.down = False

    async def write(self, *changes: Change) -> None:
        self._answer()
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

    async def attempt_taken(self, attempt_id: AttemptId) -> bool:
        return attempt_id in self._answer().taken_attempts

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
        )

    async def data_key(self, owner: str) -> WrappedKey | None:
        return self._answer().data_keys.get(owner)

    async def held_authorizations(self, user_id: UserId) -> HeldAuthorizations:
        return self._held(a for a in self._answer().authorizations.values() if a.user_id == user_id)

    async def grant_by_code(self, code: KeyedHash) -> GrantInFull | None:
        return self._in_full(next((g for g in self._answer().grants.values() if g.code == code), None))

    async def grant(self, grant_id: GrantId) -> GrantInFull | None:
        return self._in_full(self._answer().grants.get(grant_id))

    async def consent(self, user_id: UserId, application_id: ApplicationId) -> Consent | None:
        return self._answer().consents.get((user_id, application_id))

    async def connections_of(self, user_id: UserId) -> Sequence[ConnectionInFull]:
        of_user = [x for x in self._answer().connections.values() if x.user_id == user_id]
        return self._connections_in_full(sorted(of_user, key=attrgetter("created_at", "id")))

    async def connection(self, connection_id: ConnectionId) -> ConnectionInFull | None:
        found = self._answer().connections.get(connection_id)
        in_full = self._connections_in_full([] if found is None else [found])
        return in_full[0] if in_full else None

    async def sessions_of(self, user_id: UserId, since: int) -> Sequence[Session]:
        of_user = [
            s
            for s in self._answer().sessions.values()
            if s.user_id == user_id and s.ended_at is None and s.last_seen_at >= since
        ]
        return tuple(sorted(of_user, key=lambda s: (-s.auth_time, s.id)))

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

    async def due_revocations(self, now: int, limit: int) -> Sequence[PendingRevocation]:
        due = [p for p in self._pending() if p.next_try_at <= now]
        return tuple(sorted(due, key=attrgetter("next_try_at", "id"))[:limit])

    async def key_check(self, name: str) -> KeyedHash | None:
        return self._answer().key_checks.get(name)

    async def signing_keys(self) -> Sequence[SigningKey]:
        return tuple(sorted(self._answer().signing_keys.values(), key=attrgetter("created_at", "kid")))

    async def data_keys_by_kek(self) -> Mapping[str, WrappedKey]:
        newest_first = sorted(self._answer().data_keys.values(), key=attrgetter("id"), reverse=True)
        return {key.kek_id: key for key in newest_first}

    async def events(self, limit: int) -> Sequence[AuditEvent]:
        return tuple(reversed(self._answer().ledger.values()))[:limit]

    async def take_lease(self, name: str, holder: str, now: int, seconds: int) -> bool:
        leases = self._answer().leases
        held_by, until = leases.get(name, (holder, 0))
        if held_by != holder and until > now:
            return False
        leases[name] = (holder, now + seconds)
        return True

    async def forget_expired(self, now: int) -> int:
        tables = self._answer()
        before = now - ABSOLUTE_LIFETIME - CODE_LIFETIME - LIFETIME
        sessions = {s.id: s for s in tables.sessions.values() if s.auth_time > before}
        grants = {g.id: g for g in tables.grants.values() if g.session_id in sessions}
        attempts = {taken: expires_at for taken, expires_at in tables.taken_attempts.items() if expires_at > now}
        forgotten = len(tables.sessions) - len(sessions) + len(tables.grants) - len(grants)
        forgotten += len(tables.taken_attempts) - len(attempts)
        tables.sessions, tables.grants, tables.taken_attempts = sessions, grants, attempts
        return forgotten

    async def ping(self) -> None:
        self._answer()

    def _answer(self) -> Tables:
        if self.down:
            raise Fault("storage_unavailable", "The service cannot reach its storage at the moment.")
        return self.tables

    def _in_full(self, grant: Grant | None) -> GrantInFull | None:
        if grant is None or grant.user_id not in self.tables.data_keys:
            return None
        session = self.tables.sessions[grant.session_id]
        return GrantInFull(
            grant=grant,
            application=self.tables.applications[grant.application_id],
            user=self.tables.users[grant.user_id],
            session=session,
            connection=self.tables.connections[session.connection_id],
            data_key=self.tables.data_keys[grant.user_id],
            held=self._held(a for a in self.tables.authorizations.values() if a.user_id == grant.user_id),
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

    def _held(self, authorizations: Iterable[Authorization]) -> HeldAuthorizations:
        held = _in_order(authorizations)
        return HeldAuthorizations(
            authorizations=held, clients={a.client_org: self.tables.client_orgs[a.client_org] for a in held}
        )

    def _connections_in_full(self, connections: Iterable[Connection]) -> tuple[ConnectionInFull, ...]:
        told = sorted(self._answer().pending_revocations.values(), key=attrgetter("created_at", "id"))
        return tuple(
            ConnectionInFull(
                connection=connection,
                data_key=self.tables.data_keys[connection.user_id],
                revocations=tuple(r for r in told if r.connection_id == connection.id),
            )
            for connection in connections
            if connection.user_id in self.tables.data_keys
        )

    def _pending(self) -> list[PendingRevocation]:
        return [p for p in self._answer().pending_revocations.values() if p.result is RevocationResult.PENDING]


def _in_order(authorizations: Iterable[Authorization]) -> tuple[Authorization, ...]:
    return tuple(sorted(authorizations, key=attrgetter("client_org", "id")))
