"""Owns what an operator does to the vault by hand: look, rotate the KEK, retire one, give a User another data key.

Refuses to wrap anything by a keyring that is not this database's own.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass

from broker.app import NotReady, SystemClock, require_right_keys
from broker.crypto.keyring import parse_keyring
from broker.crypto.secrets import KeyringSecrets
from broker.crypto.vault import LocalVault
from broker.domain.errors import NotFound
from broker.domain.identity import normalise_email
from broker.domain.ids import UserId
from broker.domain.sealing import WrappedKey
from broker.flows.keys.rekey import rekey
from broker.flows.keys.rewrap import Rewrapped, rewrap
from broker.settings.model import Settings
from broker.storage.schema import pending
from broker.storage.store import SqlStore

LOOK_AGAIN_EVERY = 1.0
"""Seconds between two looks at what another process is doing."""
SHOWN = 5
"""How many data keys are named, of those that stand in the way."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KekUse:
    """A KEK, whether the keyring has it and wraps by it, and how many data keys it wraps."""

    id: str
    listed: bool
    first: bool
    data_keys: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Retirement:
    """Whether a KEK can leave every keyring, and why not."""

    may_go: bool
    sentence: str


async def vault_status(settings: Settings) -> tuple[KekUse, ...]:
    """Every KEK of the keyring in its order, then those that are in use and missing. Needs no key to open."""
    async with opened_vault(settings, right_keys=False) as (store, vault, _):
        return _uses(list(vault.keks), await store.data_key_counts())


async def rotate(settings: Settings, *, rate: int, told: Callable[[Rewrapped], None]) -> Rewrapped:
    """Move every data key to the first KEK, at most `rate` a second; `told` hears of each write.

    Where another process is at it already, wait for it. Raises `NotReady` or `Fault`.
    """
    async with opened_vault(settings, right_keys=True) as (store, vault, secrets):
        loop, holder = asyncio.get_running_loop(), secrets.new_id("run")
        while True:
            begun = loop.time()

            async def pace(so_far: Rewrapped, begun: float = begun) -> None:
                told(so_far)
                await asyncio.sleep(max(0.0, begun + so_far.moved / rate - loop.time()))

            done = await rewrap(store, vault, SystemClock(), holder=holder, asked=True, pace=pace)
            if done.is_ours:
                return done
            told(done)
            await asyncio.sleep(LOOK_AGAIN_EVERY)


async def retire(settings: Settings, kek_id: str) -> Retirement:
    """Whether this KEK is still needed. Changes nothing: an operator takes it out of the keyrings."""
    async with opened_vault(settings, right_keys=False) as (store, vault, _):
        listed, count = list(vault.keks), (await store.data_key_counts()).get(kek_id, 0)
        users: Sequence[WrappedKey] = await store.data_keys_under(kek_id, "", SHOWN)
    if count:
        named = ", ".join(key.id for key in users) + (", …" if count > SHOWN else "")
        sentence = f"{kek_id} still wraps {count} data keys ({named}). To move them: broker vault rotate"
    elif kek_id not in listed:
        sentence = f"{kek_id} is not in the keyring, and wraps no data key."
    elif kek_id == listed[0]:
        sentence = f"{kek_id} is the first of the keyring: new data keys will be wrapped by it."
    else:
        sentence = (
            f"{kek_id} wraps no data key. Take it out of every keyring; keep a copy apart, as long as back-ups of "
            "data_keys are kept from when it did."
        )
        return Retirement(may_go=True, sentence=sentence)
    return Retirement(may_go=False, sentence=sentence)


async def users_called(who: str, store: SqlStore, secrets: KeyringSecrets) -> Sequence[UserId]:
    """A User by their id, or all those to whom a Client has given an Authorization by an e-mail address.

    Raises `NotFound`.
    """
    if "@" in who:
        email = normalise_email(who)
        users = () if email is None else await store.users_of_email(secrets.keyed_hash("email", email))
        if not users:
            raise NotFound(detail="nobody has signed in whom a Client invited by this address")
        return users
    if await store.user(UserId(who)) is None:
        raise NotFound(detail="no User of this id is known")
    return (UserId(who),)


async def the_one_called(who: str, store: SqlStore, secrets: KeyringSecrets) -> UserId:
    """As `users_called`, but one of them. Raises `NotFound` where there are several."""
    users = await users_called(who, store, secrets)
    if len(users) > 1:
        raise NotFound(detail=f"this address stands for several Users, so say which one: {', '.join(users)}")
    return users[0]


async def rekey_user(settings: Settings, user_id: str) -> WrappedKey:
    """Give a User another data key. Raises `NotFound`, `Refusal`, `NotReady` or `Fault`."""
    async with opened_vault(settings, right_keys=True) as (store, vault, _):
        return await rekey(UserId(user_id), store, vault, SystemClock())


@contextlib.asynccontextmanager
async def opened_vault(
    settings: Settings, *, right_keys: bool
) -> AsyncIterator[tuple[SqlStore, LocalVault, KeyringSecrets]]:
    """What it takes to look into the database, and no more. Raises `NotReady`, `KeyringRefused` or `Fault`.

    With `right_keys` a keyring that is not this database's own is refused, so that nothing is wrapped by it.
    """
    keyring = parse_keyring(settings.keyring)
    if missing := await pending(settings.database_url):
        raise NotReady((f"the database lacks {len(missing)} migration(s): run broker migrate",))
    async with SqlStore(settings.database_url) as store, contextlib.AsyncExitStack() as stack:
        vault, secrets = LocalVault(keyring), KeyringSecrets(keyring)
        stack.push_async_callback(vault.close)
        if right_keys:
            await require_right_keys(store, vault, secrets, writes=True)
        yield store, vault, secrets


def _uses(listed: Sequence[str], counts: Mapping[str, int]) -> tuple[KekUse, ...]:
    return tuple(
        KekUse(id=kek_id, listed=kek_id in listed, first=kek_id == listed[0], data_keys=counts.get(kek_id, 0))
        for kek_id in (*listed, *(kek_id for kek_id in counts if kek_id not in listed))
    )
