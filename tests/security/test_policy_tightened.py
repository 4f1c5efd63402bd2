"""G15-03: a tighter policy reaches what is kept already: not shown or released at once, and erased soon after."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from broker.app import opened
from broker.crypto.vault import LocalVault
from broker.domain import policy_parse
from broker.domain.connection import UpstreamTokens
from broker.domain.ids import UserId
from broker.flows.privacy.purge import LEASE_SECONDS
from broker.flows.sealed import open_attributes, open_tokens
from broker.settings.load import load
from broker.storage.store import SqlStore
from providers import PROVIDERS
from tests.fakes.clock import SettableClock
from tests.security.browser import Browser, ask
from tests.security.deployment import NOW, OLD, deploy
from tests.security.killed import killed_at_each_step, purge_all
from tests.security.opened import everything_kept, text_of
from tests.security.test_attribute_policy import KEPT, claims_of
from tests.security.world import World

pytestmark = pytest.mark.anyio


async def test_a_tightened_policy_reaches_what_is_kept_already(world: World, ada: Browser) -> None:
    """G15-03: not shown and not in new tokens at once; erased by a job that counts, with a line for each Connection.

    The Provider's tokens that were asked for it alone are ended there too.
    """
    await ada.sign_in()
    await ada.get(await ada.connect("ada", "corp"))
    request = ask(organization="globex", scope="openid email profile offline_access")
    before = await ada.tokens_for(request)
    assert claims_of(before["access_token"])["name"] == KEPT["name"]
    rules = {"google": {"keep": {"email": "x"}, "release": {"email": "x"}}, "corp": {"keep": {"email": "x"}}}
    known = {name: frozenset(PROVIDERS[r.provider].attributes) for name, r in world.settings.registrations.items()}
    app = await world.another(policy=policy_parse.parse(rules, known))
    later = world.browser(app=app)
    later.http.cookies.update(ada.http.cookies)

    for page in ("/account", "/account/data", "/account/connections"):
        assert KEPT["name"] not in (await later.get(page)).text
    assert (await later.userinfo(before["access_token"])).json().keys() == {"sub", "email"}
    after = await later.tokens_for(request)
    assert "name" not in claims_of(after["access_token"]) | claims_of(after["id_token"])

    metrics = ""
    for _ in range(200):
        metrics = (await later.get("/metrics")).text
        if "broker_attributes_purged_total 1.0" in metrics:
            break
        await asyncio.sleep(0.05)
    assert "broker_attributes_purged_total 1.0" in metrics
    kept = await everything_kept(world)
    assert [k["attributes"].keys() for k in kept.values()] == [{"email"}, {"email"}]
    assert KEPT["name"] not in text_of(kept)
    assert sorted(bool(k["tokens"]) for k in kept.values()) == [False, True]  # `profile` was asked for the name alone
    told: list[str] = []
    while told != ["revoked"]:
        await asyncio.sleep(0.05)
        told = [row["result"] for row in await world.rows("SELECT result FROM pending_revocations")]
    (event,) = [event for event in await world.store.events(999) if event.action == "attributes.purge"]
    assert (event.outcome, event.reason, event.registration) == ("done", "1:name", "google")


async def test_a_purge_that_is_killed_at_any_step_is_carried_on(tmp_path: Path) -> None:
    """G15-03: to the same end; each Connection has its lines, and its Provider's tokens in the outbox, exactly once."""
    made = await deploy(tmp_path)
    await made.add_users(3, OLD)
    vault = LocalVault(made.keyring(OLD))
    async for copy in killed_at_each_step(made, tmp_path, "purge", least=6):
        async with SqlStore(copy.url) as store:
            assert await purged(store, vault) == await users_in(store, "attributes.purge")
            async with opened(load(copy.config), SettableClock(NOW + LEASE_SECONDS)) as edges:
                await purge_all(edges.ports)
            assert await purged(store, vault) == copy.users
            assert await users_in(store, "attributes.purge") == copy.users == await users_in(store, "tokens.forget")


async def users_in(store: SqlStore, action: str) -> list[UserId]:
    """Of whom there are such lines."""
    return sorted(event.user_id for event in await store.events(99) if event.action == action and event.user_id)


async def purged(store: SqlStore, vault: LocalVault) -> list[UserId]:
    """Those of whom no attribute is kept any more. Their tokens open where they wait for their Provider, and the
    others' where they were."""
    gone: list[UserId] = []
    for found in await store.connections_keeping("", 99):
        connection, key = found.connection, found.data_key
        if await open_attributes(connection, key, vault):
            assert await open_tokens(connection, key, vault) is not None
            assert found.revocations == ()
            continue
        gone.append(connection.user_id)
        assert connection.sealed_tokens is None
        (pending,) = found.revocations
        assert pending.sealed_token is not None
        tokens = UpstreamTokens.from_bytes(await vault.open(key, pending.place, pending.sealed_token))
        assert tokens.access_token == f"access of {connection.user_id}"
    return sorted(gone)
