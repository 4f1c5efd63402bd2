"""Owns the writes: each is a value. A flow hands all of its writes to the store at once; all happen, or none.

`Add…` inserts under a unique key; a change that names what it expects is a compare-and-set. Either can raise
`Conflict`. Everything else is idempotent.
"""

from __future__ import annotations

from broker.domain.changes.connections import (
    AddConnection,
    AddPendingRevocation,
    MarkConnection,
    ReplaceConnection,
    ResealRevocation,
    RetryRevocation,
    SettleRevocation,
)
from broker.domain.changes.devices import AddDeviceRequest, DecideDeviceRequest, PollDeviceRequest
from broker.domain.changes.erasure import (
    PutTombstone,
    RemoveAcceptancesOf,
    RemoveAuthorizationsOf,
    RemoveChoicesOf,
    RemoveConnectionsOf,
    RemoveConsentsOf,
    RemoveDataKey,
    RemoveGrantsOf,
    RemoveIdentitiesOf,
    RemovePendingRevocationsOf,
    RemoveSessionsOf,
    RemoveUser,
    SetEraseAt,
)
from broker.domain.changes.grants import (
    AddGrant,
    DismissWarning,
    PutConsent,
    RedeemGrant,
    RefreshGrant,
    RelyOnConsent,
    RememberReleased,
    RemoveConsent,
    RevokeGrant,
    RevokeGrantsOf,
    TakeAssertion,
    TakePushedRequest,
)
from broker.domain.changes.keys import (
    AddDataKey,
    AddKeyCheck,
    AddSigningKey,
    PromoteSigningKey,
    RemoveSigningKey,
    ReplaceDataKey,
    RetireSigningKey,
    RevokeSigningKey,
    RewrapDataKey,
)
from broker.domain.changes.ledger import AddLedgerHead, AddLink, PruneLedger, Record
from broker.domain.changes.people import (
    Accept,
    AddIdentity,
    AddUser,
    PutChoice,
    SetAccepted,
    SetUserStatus,
    TakeAttempt,
)
from broker.domain.changes.registered import (
    AddAuthorization,
    BindAuthorization,
    PutApplication,
    PutClientOrg,
    RemoveApplication,
    RemoveAuthorization,
    RemoveClientOrg,
    SetRights,
)
from broker.domain.changes.retention import (
    PutHold,
    RemoveGrantsOfSessions,
    RemoveHold,
    RemoveSessions,
    RequireNotHeld,
)
from broker.domain.changes.revocations import Announce
from broker.domain.changes.sessions import (
    AddSession,
    EndOtherSessions,
    EndSession,
    EndSessionsOfConnection,
    EndSessionsOfUpstream,
    EndSessionsOfUser,
    RenewSession,
    RetryLogout,
    SettleLogout,
    TouchSession,
)

Change = (
    TakeAttempt
    | AddUser
    | SetUserStatus
    | Accept
    | SetAccepted
    | PutChoice
    | AddIdentity
    | AddDataKey
    | RewrapDataKey
    | ReplaceDataKey
    | AddConnection
    | ReplaceConnection
    | MarkConnection
    | AddSession
    | RenewSession
    | TouchSession
    | EndSession
    | EndOtherSessions
    | EndSessionsOfConnection
    | EndSessionsOfUser
    | EndSessionsOfUpstream
    | RetryLogout
    | SettleLogout
    | TakeAssertion
    | TakePushedRequest
    | AddGrant
    | RedeemGrant
    | RefreshGrant
    | RememberReleased
    | RevokeGrant
    | AddDeviceRequest
    | PollDeviceRequest
    | DecideDeviceRequest
    | RevokeGrantsOf
    | DismissWarning
    | BindAuthorization
    | PutClientOrg
    | RemoveClientOrg
    | PutApplication
    | RemoveApplication
    | AddAuthorization
    | SetRights
    | RemoveAuthorization
    | PutConsent
    | RelyOnConsent
    | RemoveConsent
    | AddPendingRevocation
    | RetryRevocation
    | ResealRevocation
    | SettleRevocation
    | AddSigningKey
    | PromoteSigningKey
    | RetireSigningKey
    | RevokeSigningKey
    | RemoveSigningKey
    | AddKeyCheck
    | PutTombstone
    | SetEraseAt
    | RemoveDataKey
    | RemovePendingRevocationsOf
    | RemoveGrantsOf
    | RemoveSessionsOf
    | RemoveConnectionsOf
    | RemoveIdentitiesOf
    | RemoveConsentsOf
    | RemoveAcceptancesOf
    | RemoveChoicesOf
    | RemoveAuthorizationsOf
    | RemoveUser
    | Announce
    | Record
    | AddLink
    | AddLedgerHead
    | PruneLedger
    | PutHold
    | RemoveHold
    | RequireNotHeld
    | RemoveGrantsOfSessions
    | RemoveSessions
)

__all__ = [
    "Accept",
    "AddAuthorization",
    "AddConnection",
    "AddDataKey",
    "AddDeviceRequest",
    "AddGrant",
    "AddIdentity",
    "AddKeyCheck",
    "AddLedgerHead",
    "AddLink",
    "AddPendingRevocation",
    "AddSession",
    "AddSigningKey",
    "AddUser",
    "Announce",
    "BindAuthorization",
    "Change",
    "DecideDeviceRequest",
    "DismissWarning",
    "EndOtherSessions",
    "EndSession",
    "EndSessionsOfConnection",
    "EndSessionsOfUpstream",
    "EndSessionsOfUser",
    "MarkConnection",
    "PollDeviceRequest",
    "PromoteSigningKey",
    "PruneLedger",
    "PutApplication",
    "PutChoice",
    "PutClientOrg",
    "PutConsent",
    "PutHold",
    "PutTombstone",
    "Record",
    "RedeemGrant",
    "RefreshGrant",
    "RelyOnConsent",
    "RememberReleased",
    "RemoveAcceptancesOf",
    "RemoveApplication",
    "RemoveAuthorization",
    "RemoveAuthorizationsOf",
    "RemoveChoicesOf",
    "RemoveClientOrg",
    "RemoveConnectionsOf",
    "RemoveConsent",
    "RemoveConsentsOf",
    "RemoveDataKey",
    "RemoveGrantsOf",
    "RemoveGrantsOfSessions",
    "RemoveHold",
    "RemoveIdentitiesOf",
    "RemovePendingRevocationsOf",
    "RemoveSessions",
    "RemoveSessionsOf",
    "RemoveSigningKey",
    "RemoveUser",
    "RenewSession",
    "ReplaceConnection",
    "ReplaceDataKey",
    "RequireNotHeld",
    "ResealRevocation",
    "RetireSigningKey",
    "RetryLogout",
    "RetryRevocation",
    "RevokeGrant",
    "RevokeGrantsOf",
    "RevokeSigningKey",
    "RewrapDataKey",
    "SetAccepted",
    "SetEraseAt",
    "SetRights",
    "SetUserStatus",
    "SettleLogout",
    "SettleRevocation",
    "TakeAssertion",
    "TakeAttempt",
    "TakePushedRequest",
    "TouchSession",
]
