"""Owns the writes: each is a value. A flow hands all of its writes to the store at once; all happen, or none.

`Add…` inserts under a unique key; a change that names what it expects is a compare-and-set. Either can raise
`Conflict`. Everything else is idempotent.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.domain.application import Application
from broker.domain.client_org import Authorization, ClientOrg
from broker.domain.connection import Connection
from broker.domain.consent import Consent
from broker.domain.grant import Grant
from broker.domain.identity import Identity
from broker.domain.ids import (
    ApplicationId,
    AttemptId,
    AuthorizationId,
    ClientOrgId,
    ConnectionId,
    GrantId,
    KeyedHash,
    SessionId,
    UserId,
)
from broker.domain.ledger import AuditEvent
from broker.domain.outbox import PendingRevocation, RevocationResult
from broker.domain.sealing import WrappedKey
from broker.domain.session import Session
from broker.domain.signing_key import SigningKey
from broker.domain.user import User, UserStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class TakeAttempt:
    """Use up a sign-in attempt. `Conflict` when it was taken before. The row may go after `expires_at`."""

    attempt_id: AttemptId
    expires_at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AddUser:
    user: User


@dataclass(frozen=True, kw_only=True, slots=True)
class SetUserStatus:
    user_id: UserId
    status: UserStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class AddIdentity:
    """`Conflict` when the identity's hash is known already."""

    identity: Identity


@dataclass(frozen=True, kw_only=True, slots=True)
class AddDataKey:
    """`Conflict` when the owner has a data key already."""

    key: WrappedKey


@dataclass(frozen=True, kw_only=True, slots=True)
class AddConnection:
    """`Conflict` when the identity has a Connection already."""

    connection: Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplaceConnection:
    """Write a whole Connection; `Conflict` unless the row's generation is still `expected_generation`."""

    connection: Connection
    expected_generation: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AddSession:
    session: Session


@dataclass(frozen=True, kw_only=True, slots=True)
class TouchSession:
    session_id: SessionId
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class EndSession:
    """End one Session of one User; ending an ended one changes nothing."""

    session_id: SessionId
    user_id: UserId
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class EndOtherSessions:
    """End all of a User's Sessions but one."""

    user_id: UserId
    but: SessionId
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class EndSessionsOfConnection:
    """End every Session that began through a Connection."""

    connection_id: ConnectionId
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AddGrant:
    grant: Grant


@dataclass(frozen=True, kw_only=True, slots=True)
class RedeemGrant:
    """Use up a code. `Conflict` unless it is neither redeemed nor revoked."""

    grant_id: GrantId
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RevokeGrant:
    """End a Grant: its code and its tokens are dead."""

    grant_id: GrantId
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BindAuthorization:
    """Give an invitation to the User who proved its e-mail address. `Conflict` when it is bound already."""

    authorization_id: AuthorizationId
    user_id: UserId


@dataclass(frozen=True, kw_only=True, slots=True)
class PutClientOrg:
    client_org: ClientOrg


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveClientOrg:
    """Remove a Client together with every Authorization it gave."""

    client_org_id: ClientOrgId


@dataclass(frozen=True, kw_only=True, slots=True)
class PutApplication:
    application: Application


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveApplication:
    """Remove an Application together with its Grants and consents."""

    application_id: ApplicationId


@dataclass(frozen=True, kw_only=True, slots=True)
class AddAuthorization:
    """`Conflict` when this Client already has an Authorization for this e-mail address."""

    authorization: Authorization


@dataclass(frozen=True, kw_only=True, slots=True)
class SetRights:
    authorization_id: AuthorizationId
    rights: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveAuthorization:
    authorization_id: AuthorizationId


@dataclass(frozen=True, kw_only=True, slots=True)
class PutConsent:
    consent: Consent


@dataclass(frozen=True, kw_only=True, slots=True)
class AddPendingRevocation:
    pending: PendingRevocation


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryRevocation:
    """Note a failed try. `Conflict` unless the row still has `expected_tries`."""

    id: str
    expected_tries: int
    next_try_at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SettleRevocation:
    """Note the final result and destroy the sealed token."""

    id: str
    result: RevocationResult


@dataclass(frozen=True, kw_only=True, slots=True)
class AddSigningKey:
    """`Conflict` when another key is active already and this one would be too."""

    key: SigningKey = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class AddKeyCheck:
    """Note what a key makes of a known text, to recognise the key by. `Conflict` when `name` is noted already."""

    name: str
    value: KeyedHash


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """Append to the ledger."""

    event: AuditEvent


Change = (
    TakeAttempt
    | AddUser
    | SetUserStatus
    | AddIdentity
    | AddDataKey
    | AddConnection
    | ReplaceConnection
    | AddSession
    | TouchSession
    | EndSession
    | EndOtherSessions
    | EndSessionsOfConnection
    | AddGrant
    | RedeemGrant
    | RevokeGrant
    | BindAuthorization
    | PutClientOrg
    | RemoveClientOrg
    | PutApplication
    | RemoveApplication
    | AddAuthorization
    | SetRights
    | RemoveAuthorization
    | PutConsent
    | AddPendingRevocation
    | RetryRevocation
    | SettleRevocation
    | AddSigningKey
    | AddKeyCheck
    | Record
)
