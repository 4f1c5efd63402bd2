"""Owns what a User sees of the Applications with access to their account.

Refuses to show as alive what no endpoint would accept any more. Writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.application import Application
from broker.domain.consent import Consent
from broker.domain.grant import Grant
from broker.domain.ids import ClientOrgId, ConnectionId, UserId
from broker.flows.found import Access, HeldAuthorizations
from broker.flows.live_grant import lives, rights_of
from broker.flows.ports import Clock
from broker.flows.store import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveGrant:
    """A Grant that works, the Connection through which its Session began, and the Clients that it speaks of."""

    grant: Grant
    connection_id: ConnectionId
    clients: tuple[ClientOrgId, ...]

    @property
    def last_used_at(self) -> int:
        """When tokens last came of it."""
        return self.grant.refreshed_at or self.grant.redeemed_at or self.grant.created_at


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownAccess:
    """An Application with access. Without a `live` Grant it is there for the User's word, or for a warning alone.

    `warnings`: Grants of which the User is to be told what they were revoked for. `held`: what the User may do.
    """

    application: Application
    consent: Consent | None
    live: tuple[LiveGrant, ...]
    warnings: tuple[Grant, ...]
    held: HeldAuthorizations

    @property
    def has_access(self) -> bool:
        """Whether there is something to take away: what works, or a word by which it comes back without asking."""
        return bool(self.live) or self.consent is not None


async def show_access(user_id: UserId, store: Store, clock: Clock) -> tuple[ShownAccess, ...]:
    """Every Application with access, and those of which the User is to be warned. One read."""
    now = clock.now()
    shown = [_shown(access, now) for access in await store.access_of(user_id)]
    return tuple(one for one in shown if one.has_access or one.warnings)


def _shown(access: Access, now: int) -> ShownAccess:
    living = [found for found in access.grants if lives(found, now)]
    return ShownAccess(
        application=access.application,
        consent=access.consent,
        live=tuple(
            LiveGrant(grant=found.grant, connection_id=found.session.connection_id, clients=tuple(rights_of(found)))
            for found in living
        ),
        warnings=tuple(found.grant for found in access.grants if found.grant.warns),
        held=access.held,
    )
