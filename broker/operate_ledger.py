"""Owns what an operator or an auditor asks of the ledger. Refuses to need the signing keys for it."""

from __future__ import annotations

from broker.app import SystemClock
from broker.crypto.ledger_heads import read_head
from broker.domain.disclosure import Disclosure
from broker.domain.errors import NotFound
from broker.domain.ids import UserId
from broker.flows.ledger.show import Shown, show
from broker.flows.ledger.verify import Verified, verify
from broker.flows.ledger_store import KeptHead
from broker.flows.privacy.disclosures import disclosures
from broker.operate import opened_vault, users_called
from broker.settings.model import Settings


async def verify_ledger(settings: Settings, kept: str | None) -> Verified:
    """Prove the ledger; `kept` is a head that was exported before. Raises `NotReady` or `Fault`."""
    async with opened_vault(settings, right_keys=False) as (store, _, _):
        return await verify(store, read_head, settings.issuer, kept)


async def newest_head(settings: Settings) -> KeptHead | None:
    """What was last signed. Raises `NotReady` or `Fault`."""
    async with opened_vault(settings, right_keys=False) as (store, _, _):
        return await store.last_head()


async def show_ledger(
    settings: Settings, who: str | None, *, after: int, limit: int, with_values: bool
) -> tuple[Shown, ...]:
    """Events, of one User or of all. A User may be erased by now, so an id is taken as it is. Raises as `Fault`."""
    async with opened_vault(settings, right_keys=True) as (store, vault, secrets):
        user_id = None if who is None else UserId(who)
        if who is not None and "@" in who:
            user_ids = await users_called(who, store, secrets)
            if len(user_ids) > 1:
                raise NotFound(detail=f"this address stands for several Users, so say which one: {', '.join(user_ids)}")
            (user_id,) = user_ids
        return await show(user_id, after, limit, store, vault, SystemClock(), with_values=with_values)


async def disclosures_of(settings: Settings, who: str) -> tuple[tuple[UserId, tuple[Disclosure, ...]], ...]:
    """Each User whom `who` stands for, and whom they were disclosed to. Raises `NotFound`, `NotReady` or `Fault`."""
    async with opened_vault(settings, right_keys=True) as (store, _, secrets):
        users = await users_called(who, store, secrets) if "@" in who else (UserId(who),)
        return tuple([(user_id, await disclosures(user_id, store)) for user_id in users])
