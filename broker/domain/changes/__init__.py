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
from broker.domain.changes.grants import (
    AddGrant,
    DismissWarning,
    PutConsent,
    RedeemGrant,
    RefreshGrant,
    RelyOnConsent,
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
from broker.domain.changes.ledger import Record
from broker.domain.changes.people import AddIdentity, AddUser, SetUserStatus, TakeAttempt
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
from broker.domain.changes.revocations import Announce
from broker.domain.changes.sessions import (
    AddSession,
    EndOtherSessions,
    EndSession,
    EndSessionsOfConnection,
    EndSessionsOfUpstream,
    EndSessionsOfUser,
    RetryLogout,
    SettleLogout,
    TouchSession,
)

Change = (
    TakeAttempt
    | AddUser
    | SetUserStatus
    | AddIdentity
    | AddDataKey
    | RewrapDataKey
    | ReplaceDataKey
    | AddConnection
    | ReplaceConnection
    | MarkConnection
    | AddSession
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
    | Announce
    | Record
)

__all__ = [
    "AddAuthorization",
    "AddConnection",
    "AddDataKey",
    "AddDeviceRequest",
    "AddGrant",
    "AddIdentity",
    "AddKeyCheck",
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
    "PutApplication",
    "PutClientOrg",
    "PutConsent",
    "Record",
    "RedeemGrant",
    "RefreshGrant",
    "RelyOnConsent",
    "RemoveApplication",
    "RemoveAuthorization",
    "RemoveClientOrg",
    "RemoveConsent",
    "RemoveSigningKey",
    "ReplaceConnection",
    "ReplaceDataKey",
    "ResealRevocation",
    "RetireSigningKey",
    "RetryLogout",
    "RetryRevocation",
    "RevokeGrant",
    "RevokeGrantsOf",
    "RevokeSigningKey",
    "RewrapDataKey",
    "SetRights",
    "SetUserStatus",
    "SettleLogout",
    "SettleRevocation",
    "TakeAssertion",
    "TakeAttempt",
    "TakePushedRequest",
    "TouchSession",
]
