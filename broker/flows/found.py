"""Owns what the store answers with: each is one statement's consistent snapshot.

Refuses to decide: whether what was found is live, open or good is the domain's to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from broker.domain.application import Application
from broker.domain.client_org import Authorization, ClientOrg
from broker.domain.connection import Connection
from broker.domain.consent import Consent
from broker.domain.device_request import DeviceRequest
from broker.domain.grant import Grant
from broker.domain.identity import Identity
from broker.domain.ids import (
    ApplicationId,
    ClientOrgId,
)
from broker.domain.outbox import PendingRevocation
from broker.domain.revocation import Notice
from broker.domain.sealing import WrappedKey
from broker.domain.session import Session
from broker.domain.user import User


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveSession:
    """A Session found by its cookie, and its User. It may have ended: `session.is_live` says."""

    session: Session
    user: User


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptInFull:
    """Whether a sign-in attempt was finished before (or a pushed request used), and the Application that waits for it,
    if one does."""

    taken: bool
    application: Application | None


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownIdentity:
    """Everything about an Identity that somebody signed in with before."""

    identity: Identity
    user: User
    data_key: WrappedKey
    connection: Connection | None


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldAuthorizations:
    """A User's Authorizations and the open invitations for an e-mail address, with the Clients they are of."""

    authorizations: tuple[Authorization, ...]
    clients: Mapping[ClientOrgId, ClientOrg]


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """What is known, at one moment, about somebody who is back from a Provider.

    `held`: theirs, and the invitations that their e-mail address may accept. `bound_elsewhere`: an Authorization for
    this address was bound to a User with another Identity at this registration. `agreed`: to which optional things the
    User has.
    """

    known: KnownIdentity | None
    held: HeldAuthorizations
    bound_elsewhere: bool
    agreed: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class GrantInContext:
    """A Grant with all that telling whether it stands for anything takes."""

    grant: Grant
    application: Application
    user: User
    session: Session
    held: HeldAuthorizations


@dataclass(frozen=True, kw_only=True, slots=True)
class GrantInFull(GrantInContext):
    """A Grant with all that deciding about its code or its tokens takes. `agreed` as in `Arrival`."""

    connection: Connection
    data_key: WrappedKey
    agreed: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class PlainlyUsed:
    """A Grant as it was found, and whether its refresh token was used up with that."""

    found: GrantInFull | None
    used: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceInFull:
    """A device request, and the Application that it is of. It may be late, or answered: the request says."""

    request: DeviceRequest
    application: Application


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """What one Application has of one User: their word, if they gave it, and the Grants that are still remembered.

    `grants`: also revoked ones and codes that nobody redeemed, the oldest first.
    """

    application: Application
    consent: Consent | None
    held: HeldAuthorizations
    grants: tuple[GrantInContext, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionInFull:
    """A Connection with the key that opens it.

    `revocations`: what its Provider had to be told, the oldest first, and what came of each. `clients`: those that its
    User acts for, in order, and `agreed` as in `Arrival`; what the policy lets be kept depends on both.
    """

    connection: Connection
    data_key: WrappedKey
    revocations: tuple[PendingRevocation, ...]
    clients: tuple[ClientOrgId, ...]
    agreed: frozenset[str]


Records = Mapping[str, Sequence[Mapping[str, object]]]
"""Table -> its rows that are of one User, in their order, each by the names of its columns. No secret is among them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A notice and its place in the feed. Until it is `settled`, one with a smaller cursor may still come."""

    cursor: int
    settled: bool
    notice: Notice


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalogue:
    """All Clients, Applications and Authorizations: what `broker apply` compares its file with."""

    clients: Mapping[ClientOrgId, ClientOrg]
    applications: Mapping[ApplicationId, Application]
    authorizations: tuple[Authorization, ...]
