"""Owns which Clients there are, by name alone.

Refuses to load what they gave to whom: this is asked at every start.
"""

from __future__ import annotations

from sqlalchemy import select

from broker.domain.ids import ClientOrgId
from broker.storage.store import SqlStore
from broker.storage.tables import client_orgs

_NAMES = select(client_orgs.c.id)


async def declared_clients(url: str) -> frozenset[ClientOrgId]:
    """The ids of all Clients in the database at `url`, which is migrated. Raises `Fault` when it does not answer."""
    async with SqlStore(url, connections=1) as store:
        return frozenset(ClientOrgId(row[0]) for row in await store.engine.rows(_NAMES))
