"""Owns what the flows need of SQL, the truth: each read is one consistent snapshot, each write all or nothing.

Refuses to know which database is behind it. Every method may raise `Fault`; `write` may raise `Conflict`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

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
from broker.domain.logout import PendingLogout
from broker.domain.outbox import PendingRevocation
from broker.domain.refresh_token import PlainUse
from broker.domain.sealing import WrappedKey
from broker.domain.session import Session
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
from broker.flows.ledger_store import LedgerStore
from broker.flows.retention_store import RetentionStore


class Store(LedgerStore, RetentionStore, Protocol):
    """SQL, the truth."""

    async def write(self, *changes: Change) -> None:
        """Make all changes together, durably, or none. Raises `Conflict`."""

    async def application(self, application_id: ApplicationId) -> Application | None: ...

    async def session(self, secret: KeyedHash) -> LiveSession | None: ...

    async def attempt(self, taken: AttemptId | PushedRequestId, application_id: ApplicationId | None) -> AttemptInFull:
        """`TakeAttempt` and `TakePushedRequest` decide; this spares a Provider a call, and a person a page."""

    async def arrival(
        self,
        registration: RegistrationId,
        identity_hash: KeyedHash,
        email: KeyedHash | None,
        connecting: UserId | None,
    ) -> Arrival:
        """`connecting`: whom to take for the Identity's User while nobody has it."""

    async def data_key(self, owner: str) -> WrappedKey | None: ...

    async def held_authorizations(self, user_id: UserId) -> HeldAuthorizations: ...

    async def grant_by_code(self, code: KeyedHash) -> GrantInFull | None: ...

    async def grant(self, grant_id: GrantId) -> GrantInFull | None: ...

    async def use_plainly(self, use: PlainUse) -> PlainlyUsed:
        """Read the Grant and, in one round trip with that, rotate its refresh token and record it in the plain case.

        That is: the token is the newest and good; the Grant is not narrowed to a Client; the Application is this one,
        public, has the refresh grant and requires no Authorization; no key is bound or needed; the User is active, the
        Session was not ended and began by one of the registrations.
        """

    async def device_by_device_code(self, code: KeyedHash) -> DeviceInFull | None: ...

    async def device_by_user_code(self, code: KeyedHash) -> DeviceInFull | None: ...

    async def consent(self, user_id: UserId, application_id: ApplicationId) -> Consent | None: ...

    async def choices_of(self, user_id: UserId) -> Sequence[Choice]:
        """What the User last said about each optional thing, by its subject."""

    async def acceptances_of(self, user_id: UserId) -> Sequence[Acceptance]:
        """Everything that the User ever accepted, the oldest first."""

    async def connections_of(self, user_id: UserId) -> Sequence[ConnectionInFull]: ...

    async def connection(self, connection_id: ConnectionId) -> ConnectionInFull | None: ...

    async def users_of_email(self, email: KeyedHash) -> Sequence[UserId]:
        """Who has an Authorization for this e-mail address, each once and in order."""

    async def user(self, user_id: UserId) -> User | None: ...

    async def access_of(self, user_id: UserId) -> Sequence[Access]:
        """Every Application that has a Grant or a consent of this User, by its id."""

    async def records_of(self, user_id: UserId) -> Records:
        """Everything that any table holds of this User, but for what is sealed or a secret, at one moment."""

    async def connections_keeping(self, after: str, limit: int) -> Sequence[ConnectionInFull]:
        """Connections with kept attributes, by their ids, from the first one after `after` on."""

    async def connections_after(self, after: str, limit: int) -> Sequence[ConnectionInFull]:
        """All Connections, by their ids, from the first one after `after` on."""

    async def sessions_of(self, user_id: UserId, since: int) -> Sequence[Session]:
        """Not ended, and last seen at or after `since`; the newest first."""

    async def user_of_upstream(self, upstream_sid: KeyedHash) -> UserId | None:
        """Whose Sessions began in this session at a Provider."""

    async def applications_used(self, user_id: UserId) -> Mapping[SessionId, str]:
        """Per Session, the name of the Application that last got a Grant from it."""

    async def catalogue(self) -> Catalogue: ...

    async def rows_of_user(self, user_id: UserId) -> Mapping[str, int]:
        """How many rows mention the User, by table; none that has none."""

    async def due_erasures(self, now: int, limit: int) -> Sequence[UserId]:
        """Who is to be erased by now, the longest due first."""

    async def resurrected(self, limit: int) -> Sequence[UserId]:
        """Who was erased, and is here again: of a back-up."""

    async def pending_revocation(self, pending_id: str) -> PendingRevocation | None: ...

    async def due_revocations(self, now: int, limit: int) -> Sequence[PendingRevocation]: ...

    async def applications_to_tell(self, now: int) -> Sequence[ApplicationId]:
        """Who has to be told now that a Session has ended, each once and in order."""

    async def due_logouts(self, application_id: ApplicationId, now: int, limit: int) -> Sequence[PendingLogout]:
        """What this Application has to be told now, the longest due first."""

    async def signing_keys(self) -> Sequence[SigningKey]:
        """All of them, also revoked ones, the oldest first."""

    async def signing_algorithms(self) -> Sequence[str]:
        """Each algorithm that an Application has of its own, once."""

    async def key_check(self, name: str) -> KeyedHash | None:
        """What `AddKeyCheck` noted."""

    async def data_keys_by_kek(self) -> Mapping[str, Sequence[WrappedKey]]:
        """For each KEK in use up to four data keys, the system's first: to prove at start that the keyring opens them.

        More than one, since a damaged row of one User must not keep everybody out.
        """

    async def keks_in_use(self) -> Sequence[str]:
        """The id of each KEK that wraps at least one data key, in order. Quick, however many keys there are."""

    async def data_key_counts(self) -> Mapping[str, int]:
        """How many data keys each KEK in use wraps. Looks at every key."""

    async def data_keys_under(self, kek_id: str, after: str, limit: int) -> Sequence[WrappedKey]:
        """Data keys that this KEK wraps, by their ids, from the first one after `after` on."""

    async def revocations(self, first: int, limit: int) -> Sequence[Told]:
        """Notices in their order, from the cursor `first` on."""

    async def revocations_in_force(self, now: int) -> Sequence[Told]:
        """Every notice of tokens that may not have expired yet, in their order."""

    async def last_revocation(self) -> int:
        """The cursor of the last notice that is settled, 0 without one."""

    async def take_lease(self, name: str, holder: str, now: int, seconds: int) -> bool:
        """Take or renew the lease for a piece of work; it only lowers load, nothing depends on it."""

    async def forget_expired(self, now: int) -> int:
        """Delete taken attempts, codes, sessions and leases nobody needs any more; how many rows went.

        Each statement that deletes any appends a line to the ledger: how many, of which table.
        """

    async def ping(self) -> None:
        """Raise `Fault` unless the database answers."""
