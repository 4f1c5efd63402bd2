"""Owns the changes to what operators declare: Clients, Applications, Authorizations."""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.application import Application
from broker.domain.client_org import Authorization, ClientOrg
from broker.domain.ids import (
    ApplicationId,
    AuthorizationId,
    ClientOrgId,
    UserId,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class BindAuthorization:
    """Give an invitation to the User who proved its e-mail address. `Conflict` when it is bound already."""

    authorization_id: AuthorizationId
    user_id: UserId


@dataclass(frozen=True, kw_only=True, slots=True)
class PutClientOrg:
    """Write a whole Client. Where its rights change, so does the epoch of every User who acts for it."""

    client_org: ClientOrg
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveClientOrg:
    """Remove a Client together with every Authorization it gave."""

    client_org_id: ClientOrgId
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PutApplication:
    application: Application


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveApplication:
    """Remove an Application together with its Grants and consents."""

    application_id: ApplicationId
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AddAuthorization:
    """`Conflict` when this Client already has an Authorization for this e-mail address."""

    authorization: Authorization


@dataclass(frozen=True, kw_only=True, slots=True)
class SetRights:
    """Other rights are another epoch of their User; the same rights change nothing."""

    authorization_id: AuthorizationId
    rights: frozenset[str]
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveAuthorization:
    authorization_id: AuthorizationId
    at: int
