"""Owns a step that several flows share, no verb of its own: which Applications were told an attribute of somebody.

Refuses to count a code that nobody redeemed: nothing came of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from broker.domain import scope
from broker.domain.ids import ApplicationId, ClientOrgId, ConnectionId, RegistrationId
from broker.domain.policy import AttributePolicy
from broker.flows.found import Access, GrantInContext


def redeemed(access: Iterable[Access], connection_id: ConnectionId) -> list[GrantInContext]:
    """The Grants that became tokens, of Sessions which began through this Connection."""
    return [
        found
        for one in access
        for found in one.grants
        if found.grant.redeemed_at is not None and found.session.connection_id == connection_id
    ]


def told(
    attribute: str,
    registration: RegistrationId,
    clients: tuple[ClientOrgId, ...],
    grants: Sequence[GrantInContext],
    policy: AttributePolicy,
) -> tuple[ApplicationId, ...]:
    """Whose scopes ask for it, where the policy releases it for the Clients that the Grant speaks of."""
    return tuple(
        sorted(
            {
                found.application.id
                for found in grants
                if scope.covers(found.grant.scopes, attribute)
                and attribute in policy.releases(registration, _spoken_of(found, clients))
            }
        )
    )


def _spoken_of(found: GrantInContext, clients: tuple[ClientOrgId, ...]) -> tuple[ClientOrgId, ...]:
    return clients if found.grant.organization is None else (found.grant.organization,)
