"""Owns answering whom a User's attributes were told to: which, when, and on what ground.

Refuses values: what was told then may be another value by now, and is kept nowhere.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from broker.domain.disclosure import Disclosure
from broker.domain.ids import ApplicationId, GrantId, UserId
from broker.domain.ledger import Entry
from broker.domain.policy_hash import IN_FORCE
from broker.flows.store import Store

AT_ONCE = 500
"""Events in one read."""
POLICIES = 10_000
"""How many of the newest policies are known here."""


async def disclosures(user_id: UserId, store: Store) -> tuple[Disclosure, ...]:
    """Each time that an Application was told something, or something else than before; the oldest first."""
    policies = tuple(reversed(await store.entries_called(IN_FORCE, POLICIES)))
    told: list[Disclosure] = []
    after = 0
    while True:
        entries = await store.disclosures_of(user_id, after, AT_ONCE)
        told += [_disclosure(entry, policies) for entry in entries]
        if len(entries) < AT_ONCE:
            return tuple(told)
        after = entries[-1].id


def _disclosure(entry: Entry, policies: Sequence[Entry]) -> Disclosure:
    event = entry.event
    noted = bisect_left(policies, entry.id, key=lambda policy: policy.id)
    return Disclosure(
        at=event.at,
        application_id=ApplicationId(event.application_id or ""),
        registration=event.registration,
        client_org=event.client_org,
        grant_id=GrantId(event.object_id or ""),
        attributes=event.released,
        ground=event.ground,
        policy=(policies[noted - 1].event.object_id or "") if noted else "",
    )
