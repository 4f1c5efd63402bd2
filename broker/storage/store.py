"""Owns the `Store` of the flows: which statement answers which question.

Refuses to decide: whether a Session is live or a code still good is the domain's to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from types import TracebackType

from broker.domain.acceptance import Acceptance, Choice
from broker.domain.application import Application
from broker.domain.changes import Change
from broker.domain.consent import Consent
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
from broker.domain.logout import KEPT_FOR, PendingLogout
from broker.domain.outbox import PendingRevocation
from broker.domain.refresh_token import PlainUse
from broker.domain.sealing import SYSTEM_OWNER, WrappedKey
from broker.domain.session import Session
from broker.domain.session_token import LIFETIME
from broker.domain.signing_key import SigningKey
from broker.domain.user import User
from broker.flows.found import (
    Access,
    Arrival,
    AttemptInFull,
    Catalogue,
    ConnectionInFull,
    DeviceInFull,
    GrantInFull,
    HeldAuthorizations,
    LiveSession,
    PlainlyUsed,
    Records,
    Told,
)
from broker.storage import erasing_reads, reads, records, rows, snapshots, system_rows, upkeep
from broker.storage.at_once import REFRESH
from broker.storage.database_url import sqlite_path
from broker.storage.engine import Engine
from broker.storage.ledger_reads import LedgerReads
from broker.storage.postgres import Postgres
from broker.storage.retention_reads import RetentionReads
from broker.storage.shared_reads import SharedReads
from broker.storage.sqlite import Sqlite

CONNECTIONS = 10
"""To PostgreSQL, of one process. Each is busy for under a millisecond a call: more would wait in the server instead."""


class SqlStore(LedgerReads, RetentionReads):
    """The `Store` at a database URL. Connects when first asked something; `close` it in the end."""

    def __init__(self, url: str, *, connections: int = CONNECTIONS) -> None:
        path = sqlite_path(url)
        self.engine: Engine = Postgres(url, connections=connections) if path is None else Sqlite(path)
        self._applications = SharedReads(self._application)

    async def __aenter__(self) -> SqlStore:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of every connection."""
        await self.engine.close()

    async def write(self, *changes: Change) -> None:
        """See `Store`. `Conflict.what` is the name of the Change that lost."""
        if changes:
            await self.engine.write(changes)

    async def application(self, application_id: ApplicationId) -> Application | None:
        return await self._applications(application_id)

    async def _application(self, application_id: ApplicationId) -> Application | None:
        found = await self.engine.rows(reads.APPLICATION, id=application_id)
        return rows.application(found[0]) if found else None

    async def session(self, secret: KeyedHash) -> LiveSession | None:
        found = await self.engine.rows(reads.SESSION, secret=secret)
        return snapshots.live_session(found[0]) if found else None

    async def attempt(self, taken: AttemptId | PushedRequestId, application_id: ApplicationId | None) -> AttemptInFull:
        (found,) = await self.engine.rows(reads.ATTEMPT, id=taken, application_id=application_id)
        return snapshots.attempt(found)

    async def arrival(
        self,
        registration: RegistrationId,
        identity_hash: KeyedHash,
        email: KeyedHash | None,
        connecting: UserId | None,
    ) -> Arrival:
        (found,) = await self.engine.rows(
            reads.ARRIVAL, registration=registration, hash=identity_hash, email=email, connecting=connecting
        )
        return snapshots.arrival(found)

    async def data_key(self, owner: str) -> WrappedKey | None:
        found = await self.engine.rows(reads.DATA_KEY, owner=owner)
        return rows.data_key(found[0]) if found else None

    async def held_authorizations(self, user_id: UserId) -> HeldAuthorizations:
        return snapshots.held_authorizations(await self.engine.rows(reads.HELD_AUTHORIZATIONS, user_id=user_id))

    async def grant_by_code(self, code: KeyedHash) -> GrantInFull | None:
        found = await self.engine.rows(reads.GRANT_BY_CODE, code=code)
        return snapshots.grant_in_full(found[0]) if found else None

    async def grant(self, grant_id: GrantId) -> GrantInFull | None:
        found = await self.engine.rows(reads.GRANT, id=grant_id)
        return snapshots.grant_in_full(found[0]) if found else None

    async def use_plainly(self, use: PlainUse) -> PlainlyUsed:
        found, used = await self.engine.at_once(
            REFRESH,
            grant_id=use.grant_id,
            generation=use.generation,
            application_id=use.application_id,
            registrations="".join(f'"{name}"' for name in use.registrations),
            at=use.at,
            request_id=use.request_id,
            demanded=use.demanded,
        )
        return PlainlyUsed(found=snapshots.grant_in_full(found[0]) if found else None, used=used)

    async def device_by_device_code(self, code: KeyedHash) -> DeviceInFull | None:
        found = await self.engine.rows(reads.DEVICE_BY_DEVICE_CODE, code=code)
        return snapshots.device_in_full(found[0]) if found else None

    async def device_by_user_code(self, code: KeyedHash) -> DeviceInFull | None:
        found = await self.engine.rows(reads.DEVICE_BY_USER_CODE, code=code)
        return snapshots.device_in_full(found[0]) if found else None

    async def consent(self, user_id: UserId, application_id: ApplicationId) -> Consent | None:
        found = await self.engine.rows(reads.CONSENT, user_id=user_id, application_id=application_id)
        return rows.consent(found[0]) if found else None

    async def choices_of(self, user_id: UserId) -> Sequence[Choice]:
        return tuple(map(rows.choice, await self.engine.rows(reads.CHOICES_OF, user_id=user_id)))

    async def acceptances_of(self, user_id: UserId) -> Sequence[Acceptance]:
        return tuple(map(rows.acceptance, await self.engine.rows(reads.ACCEPTANCES_OF, user_id=user_id)))

    async def connections_of(self, user_id: UserId) -> Sequence[ConnectionInFull]:
        return snapshots.connections_in_full(await self.engine.rows(reads.CONNECTIONS_OF, user_id=user_id))

    async def connection(self, connection_id: ConnectionId) -> ConnectionInFull | None:
        found = snapshots.connections_in_full(await self.engine.rows(reads.CONNECTION, id=connection_id))
        return found[0] if found else None

    async def users_of_email(self, email: KeyedHash) -> Sequence[UserId]:
        return tuple(UserId(row[0]) for row in await self.engine.rows(reads.USERS_OF_EMAIL, email=email))

    async def user(self, user_id: UserId) -> User | None:
        found = await self.engine.rows(reads.USER, id=user_id)
        return rows.user(found[0]) if found else None

    async def access_of(self, user_id: UserId) -> Sequence[Access]:
        return tuple(map(snapshots.access, await self.engine.rows(reads.ACCESS_OF, user_id=user_id)))

    async def records_of(self, user_id: UserId) -> Records:
        return records.records(await self.engine.rows(records.RECORDS_OF, user_id=user_id))

    async def connections_keeping(self, after: str, limit: int) -> Sequence[ConnectionInFull]:
        found = await self.engine.rows(reads.CONNECTIONS_KEEPING, after=after, limit=limit)
        return snapshots.connections_in_full(found)

    async def connections_after(self, after: str, limit: int) -> Sequence[ConnectionInFull]:
        found = await self.engine.rows(reads.CONNECTIONS_AFTER, after=after, limit=limit)
        return snapshots.connections_in_full(found)

    async def sessions_of(self, user_id: UserId, since: int) -> Sequence[Session]:
        found = await self.engine.rows(reads.SESSIONS_OF, user_id=user_id, since=since)
        return tuple(map(rows.session, found))

    async def user_of_upstream(self, upstream_sid: KeyedHash) -> UserId | None:
        found = await self.engine.rows(reads.USER_OF_UPSTREAM, upstream_sid=upstream_sid)
        return UserId(found[0][0]) if found else None

    async def applications_used(self, user_id: UserId) -> Mapping[SessionId, str]:
        found = await self.engine.rows(reads.APPLICATIONS_USED, user_id=user_id)
        return {row[0]: row[1] for row in found}

    async def catalogue(self) -> Catalogue:
        return snapshots.catalogue(await self.engine.rows(reads.CATALOGUE))

    async def rows_of_user(self, user_id: UserId) -> Mapping[str, int]:
        found = await self.engine.rows(erasing_reads.ROWS_OF_USER, user_id=user_id)
        return {table: count for table, count in found if count}

    async def due_erasures(self, now: int, limit: int) -> Sequence[UserId]:
        return tuple(row[0] for row in await self.engine.rows(erasing_reads.DUE_ERASURES, now=now, limit=limit))

    async def resurrected(self, limit: int) -> Sequence[UserId]:
        return tuple(row[0] for row in await self.engine.rows(erasing_reads.RESURRECTED, limit=limit))

    async def pending_revocation(self, pending_id: str) -> PendingRevocation | None:
        found = await self.engine.rows(reads.PENDING_REVOCATION, id=pending_id)
        return system_rows.pending_revocation(found[0]) if found else None

    async def due_revocations(self, now: int, limit: int) -> Sequence[PendingRevocation]:
        found = await self.engine.rows(reads.DUE_REVOCATIONS, now=now, limit=limit)
        return tuple(map(system_rows.pending_revocation, found))

    async def applications_to_tell(self, now: int) -> Sequence[ApplicationId]:
        return tuple(row[0] for row in await self.engine.rows(reads.APPLICATIONS_TO_TELL, now=now))

    async def due_logouts(self, application_id: ApplicationId, now: int, limit: int) -> Sequence[PendingLogout]:
        found = await self.engine.rows(reads.DUE_LOGOUTS, application_id=application_id, now=now, limit=limit)
        return tuple(map(system_rows.pending_logout, found))

    async def key_check(self, name: str) -> KeyedHash | None:
        found = await self.engine.rows(reads.KEY_CHECK, name=name)
        return KeyedHash(found[0][0]) if found else None

    async def signing_keys(self) -> Sequence[SigningKey]:
        return tuple(map(system_rows.signing_key, await self.engine.rows(reads.SIGNING_KEYS)))

    async def signing_algorithms(self) -> Sequence[str]:
        return tuple(row[0] for row in await self.engine.rows(reads.SIGNING_ALGORITHMS))

    async def data_keys_by_kek(self) -> Mapping[str, Sequence[WrappedKey]]:
        keys = map(rows.data_key, await self.engine.rows(reads.DATA_KEYS_BY_KEK, preferred=SYSTEM_OWNER))
        return {kek_id: tuple(of_kek) for kek_id, of_kek in groupby(keys, attrgetter("kek_id"))}

    async def keks_in_use(self) -> Sequence[str]:
        return tuple(row[0] for row in await self.engine.rows(reads.KEKS_IN_USE))

    async def data_key_counts(self) -> Mapping[str, int]:
        return {row[0]: row[1] for row in await self.engine.rows(reads.DATA_KEY_COUNTS)}

    async def data_keys_under(self, kek_id: str, after: str, limit: int) -> Sequence[WrappedKey]:
        found = await self.engine.rows(reads.DATA_KEYS_UNDER, kek_id=kek_id, after=after, limit=limit)
        return tuple(map(rows.data_key, found))

    async def revocations(self, first: int, limit: int) -> Sequence[Told]:
        return tuple(map(system_rows.told, await self.engine.rows(reads.REVOCATIONS, first=first, limit=limit)))

    async def revocations_in_force(self, now: int) -> Sequence[Told]:
        return tuple(map(system_rows.told, await self.engine.rows(reads.REVOCATIONS_IN_FORCE, now=now)))

    async def last_revocation(self) -> int:
        ((last,),) = await self.engine.rows(reads.LAST_REVOCATION)
        return last or 0

    async def take_lease(self, name: str, holder: str, now: int, seconds: int) -> bool:
        taken = await self.engine.change(upkeep.TAKE_LEASE, name=name, holder=holder, expires_at=now + seconds, now=now)
        return taken == 1

    async def forget_expired(self, now: int) -> int:
        times = {"now": now, "session_began": now - upkeep.KEPT_AFTER, "kept_until": now - LIFETIME}
        times["signed_out"] = now - KEPT_FOR
        forgotten = 0
        for statement, note in upkeep.FORGET:
            went = upkeep.FORGET_AT_ONCE
            while went >= upkeep.FORGET_AT_ONCE:
                went = await self.engine.change(statement, note=note, **times)
                forgotten += went
        return forgotten

    async def ping(self) -> None:
        await self.engine.rows(reads.PING)
