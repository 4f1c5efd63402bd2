"""Owns the Client, a customer organisation, and the rights it can give.

Refuses a right that the Client does not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from broker.domain.ids import AuthorizationId, ClientOrgId, KeyedHash, UserId


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientOrg:
    """A customer organisation; `rights` are those it can give to Users."""

    id: ClientOrgId
    name: str
    rights: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Authorization:
    """The rights that one Client gives one User.

    Until somebody signs in with the invited, verified e-mail address, `user_id` is None: it is an invitation.
    Once bound it belongs to that User and is never matched by e-mail again.
    """

    id: AuthorizationId
    client_org: ClientOrgId
    invited_email: KeyedHash
    user_id: UserId | None
    rights: frozenset[str]
    created_at: int


def rights_by_client(
    authorizations: tuple[Authorization, ...], clients: Mapping[ClientOrgId, ClientOrg]
) -> dict[ClientOrgId, tuple[str, ...]]:
    """Each Client's rights for the User, sorted; a right that the Client itself has lost is not passed on.

    One Client may have invited several addresses of one person: what it gave to any of them counts.
    """
    given: dict[ClientOrgId, frozenset[str]] = {}
    for authorization in authorizations:
        if authorization.user_id is not None and authorization.client_org in clients:
            before = given.get(authorization.client_org, frozenset())
            given[authorization.client_org] = before | authorization.rights
    return {client_org: tuple(sorted(given[client_org] & clients[client_org].rights)) for client_org in sorted(given)}
