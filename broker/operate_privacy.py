"""Owns what an operator does about privacy: prove what is kept, erase a User, and tell whether a document is ours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from broker.app import opened
from broker.domain.ids import UserId
from broker.domain.minimality import Tally
from broker.flows.connections.deliver import deliver_revocations
from broker.flows.ports import Clock
from broker.flows.privacy.erase import erase
from broker.flows.privacy.leave import leave
from broker.flows.privacy.prove import prove_minimal
from broker.flows.privacy.receipt import receipt_of
from broker.flows.signed_document import is_signed
from broker.operate import one_user, opened_vault
from broker.settings.model import Settings
from broker.storage.inventory import SqlInventory
from broker.storage.store import SqlStore


async def prove(settings: Settings, told: Callable[[Tally], None], clock: Clock | None = None) -> Mapping[str, Any]:
    """The signed report; `told` hears how far it is. Raises `NotReady` or `Fault`."""

    async def pace(tally: Tally) -> None:
        told(tally)

    async with opened(settings, clock, writes=False) as edges, SqlStore(settings.database_url, connections=1) as store:
        return await prove_minimal(SqlInventory(store.engine), edges.ports, told=pace)


@dataclass(frozen=True, kw_only=True, slots=True)
class Erasure:
    """Of whom; when it is due, or the signed receipt where it was done."""

    user_id: UserId
    erase_at: int | None
    receipt: Mapping[str, Any] | None


async def erase_user(settings: Settings, who: str, *, now: bool) -> Erasure:
    """Have a User erased `now`, or after the policy's time for second thoughts.

    Raises `NotFound`, `NotReady` or `Fault`.
    """
    async with opened(settings) as edges, opened_vault(settings, right_keys=False) as (store, _, secrets):
        user_id = await one_user(who, store, secrets)
        ports = edges.ports
        if not now and settings.policy.erasure.grace_days:
            return Erasure(user_id=user_id, erase_at=await leave(user_id, ports), receipt=None)
        erased = await erase(user_id, ports)
        await deliver_revocations(ports)
        return Erasure(user_id=user_id, erase_at=None, receipt=await receipt_of(erased, ports))


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
