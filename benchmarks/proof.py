"""How fast `broker prove-minimal` reads: rows a second, every sealed value opened and every row judged.

Refuses to count a proof that did not find what was put there, or found anything wrong with it.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import replace

from broker.crypto.vault import LocalVault
from broker.domain import changes as c
from broker.domain.changes import Change
from broker.domain.connection import KeptAttribute, UpstreamTokens
from broker.domain.ids import ConnectionId, IdentityId, SessionId, UserId
from broker.domain.minimality import Tally
from broker.flows.ports import Secrets
from broker.flows.privacy.prove import prove_minimal
from broker.flows.sealed import seal
from broker.storage.inventory import SqlInventory
from broker.storage.migrate import migrate
from broker.storage.store import SqlStore
from tests.fakes.clock import SettableClock
from tests.flows.world import KEYRING, open_world
from tests.storage import world as w

ROWS_A_SECOND = 5_000.0
_AT_ONCE = 250
_TOKENS = UpstreamTokens(access_token="a" * 200, refresh_token="r" * 100, expires_at=w.NOW)


async def rows_a_second(url: str, users: int) -> float:
    """Of a database of so many Users, each with a key, an Identity, a Connection and a Session."""
    await migrate(url)
    vault = LocalVault(KEYRING)
    world = await open_world()
    kept = tuple(KeptAttribute(name=name, value=f"{name} of somebody", since=w.NOW) for name in ("email", "name"))
    async with SqlStore(url) as store:
        await store.write(*w.registered())
        for start in range(0, users, _AT_ONCE):
            people = [await _person(kept, vault, world.ports.secrets) for _ in range(start, start + _AT_ONCE)]
            await store.write(*itertools.chain.from_iterable(people))
        begun = time.perf_counter()
        ports = replace(world.ports, store=store, vault=vault, clock=SettableClock(w.NOW))
        report = (await prove_minimal(SqlInventory(store.engine), ports, told=_nobody))["report"]
        took = time.perf_counter() - begun
    if report["opened"] != 2 * users or report["outside_policy"]:
        raise AssertionError(f"the proof found {report['opened']} values, and {report['findings'][:1]}")
    return float(report["rows"]) / took


async def _person(kept: tuple[KeptAttribute, ...], vault: LocalVault, secrets: Secrets) -> Sequence[Change]:
    """All that is written of somebody new."""
    user = replace(w.user(), id=UserId(secrets.new_id("usr")))
    key = await vault.new_key(user.id, w.NOW)
    identity = replace(
        w.identity(),
        id=IdentityId(secrets.new_id("idn")),
        user_id=user.id,
        hash=secrets.keyed_hash("identity", user.id),
    )
    connection = replace(
        w.connection(), id=ConnectionId(secrets.new_id("con")), user_id=user.id, identity_id=identity.id
    )
    attributes, tokens = await seal(connection, kept, _TOKENS, key, vault)
    session = replace(
        w.session(),
        id=SessionId(secrets.new_id("ses")),
        secret=secrets.keyed_hash("session", connection.id),
        user_id=user.id,
        connection_id=connection.id,
    )
    return (
        c.AddUser(user=user),
        c.AddDataKey(key=key),
        c.AddIdentity(identity=identity),
        c.AddConnection(connection=replace(connection, sealed_attributes=attributes, sealed_tokens=tokens)),
        c.AddSession(session=session),
    )


async def _nobody(_: Tally) -> None:
    """Is told how far it is."""
