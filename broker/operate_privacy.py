"""Owns what an operator asks about privacy: a proof of what is kept, and whether such a proof is ours.

Refuses to change anything.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from broker.app import opened
from broker.domain.minimality import Tally
from broker.flows.ports import Clock
from broker.flows.privacy.prove import prove_minimal
from broker.flows.signed_document import is_signed
from broker.settings.model import Settings
from broker.storage.inventory import SqlInventory
from broker.storage.store import SqlStore


async def prove(settings: Settings, told: Callable[[Tally], None], clock: Clock | None = None) -> Mapping[str, Any]:
    """The signed report; `told` hears how far it is. Raises `NotReady` or `Fault`."""

    async def pace(tally: Tally) -> None:
        told(tally)

    async with opened(settings, clock, writes=False) as edges, SqlStore(settings.database_url, connections=1) as store:
        return await prove_minimal(SqlInventory(store.engine), edges.ports, told=pace)


async def is_ours(settings: Settings, kind: str, file: Path) -> bool:
    """Whether a file is a document of this `kind` that this broker signed, unchanged. Raises `NotReady` or `Fault`."""
    whole = await asyncio.to_thread(_json_of, file)
    async with opened(settings, writes=False) as edges:
        return isinstance(whole, Mapping) and is_signed(kind, whole, edges.signer)


def _json_of(file: Path) -> Any:
    """None where it is no JSON."""
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
