"""Owns laying the chain over the ledger, after the fact: no request ever waits for the chain's end.

Refuses to fork it: a position is taken once. Whoever is stopped, at any point, is carried on from there by anybody.
"""

from __future__ import annotations

from broker.domain.changes import AddLink
from broker.domain.errors import Conflict, Fault
from broker.domain.ledger_chain import linked
from broker.flows.ports import Clock
from broker.flows.store import Store

AT_ONCE = 1000
"""Events in one write."""
LEASE = "chain"
LEASE_SECONDS = 10


async def chain(store: Store, clock: Clock, *, holder: str) -> int:
    """Chain every event that is settled; how many that were. `holder` names this process. Raises `Fault`."""
    done = 0
    while True:
        end = await store.chain_end()
        if end.is_behind:
            raise Fault(
                "ledger_behind",
                "Something is down on our side.",
                detail="this database was restored into another PostgreSQL server: run broker migrate",
            )
        rows = await store.settled_rows(0 if end.last is None else end.last.event_id, AT_ONCE)
        if not rows or not await store.take_lease(LEASE, holder, clock.now(), LEASE_SECONDS):
            return done
        try:
            await store.write(*(AddLink(link=link) for link in linked(end.last, rows)))
        except Conflict:
            return done  # the lease was late, and another process has gone on
        done += len(rows)
        if len(rows) < AT_ONCE:
            return done
