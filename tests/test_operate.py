"""The operator's commands on the vault: look, rotate the KEK, retire one, give a User another data key."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from click.testing import CliRunner, Result

from broker.__main__ import cli
from broker.app import SystemClock, create_app
from broker.crypto.keyring import new_kek, parse_keyring
from broker.crypto.vault import LocalVault
from broker.domain.changes import RewrapDataKey
from broker.flows.keys.rewrap import AT_ONCE, LEASE, LEASE_SECONDS, Rewrapped, rewrap
from broker.operate import KekUse, retire, vault_status
from broker.settings.load import load
from broker.storage.store import SqlStore
from tests.security.deployment import NEW, OLD, Deployment, deploy
from tests.security.world import running

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["sqlite", "postgres"])
async def deployment(request: pytest.FixtureRequest, tmp_path: Path) -> Deployment:
    """Three Users under the old KEK, on each database in turn."""
    url = None if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    deployment = await deploy(tmp_path, url)
    await deployment.add_users(3, OLD)
    return deployment


async def vault(deployment: Deployment, *arguments: str) -> Result:
    """`broker vault …`"""
    whole = ["vault", *arguments, "--config", str(deployment.config)]
    return await asyncio.to_thread(CliRunner().invoke, cli, whole)


async def test_status_lists_every_kek_with_what_it_wraps(deployment: Deployment) -> None:
    """Those of the keyring in its order."""
    deployment.use(NEW, OLD)
    shown = await vault(deployment, "status")

    assert shown.exit_code == 0
    assert shown.stdout.splitlines() == [
        f"{NEW}  0  wraps new data keys",
        f"{OLD}  3  in the keyring",
    ]


async def test_status_is_data(deployment: Deployment) -> None:
    """For whoever watches it."""
    deployment.use(OLD, NEW)

    assert json.loads((await vault(deployment, "status", "--json")).stdout) == {
        "keks": [
            {"id": OLD, "listed": True, "first": True, "data_keys": 3},
            {"id": NEW, "listed": True, "first": False, "data_keys": 0},
        ]
    }


async def test_status_tells_of_a_kek_that_is_missing(deployment: Deployment) -> None:
    """With it the broker would not even start, so this needs no key to open anything."""
    deployment.use(NEW)
    shown = await vault(deployment, "status")

    assert shown.exit_code == 1
    assert f"{OLD}  3  MISSING in the keyring" in shown.stdout
    assert await vault_status(load(deployment.config, {})) == (
        KekUse(id=NEW, listed=True, first=True, data_keys=0),
        KekUse(id=OLD, listed=False, first=False, data_keys=3),
    )


async def test_rotate_moves_everything_to_the_first_kek(deployment: Deployment) -> None:
    """Says how far it is, and how many there were; a second time there is nothing to do."""
    deployment.use(NEW, OLD)
    done = await vault(deployment, "rotate")

    assert (done.exit_code, done.stdout) == (0, f"3 data keys moved to {NEW}.\n")
    assert done.stderr == "3 data keys moved, 0 left\n"
    assert await deployment.keks() == {NEW: 3}
    assert await deployment.unreadable(NEW) == []
    assert (await vault(deployment, "rotate")).stdout == "Nothing to move.\n"


async def test_a_broker_that_serves_carries_a_rotation_on(deployment: Deployment) -> None:
    """By itself, from one version to the next; its metrics say how far it is."""
    deployment.use(NEW, OLD)
    app = create_app(load(deployment.config, {}))
    metrics = ""
    async with (
        running(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="https://id.example") as browser,
    ):
        for _ in range(200):
            if "broker_data_keys_rewrapped_total 3.0" in metrics:
                break
            await asyncio.sleep(0.05)
            metrics = (await browser.get("/metrics")).text

    assert await deployment.keks() == {NEW: 4}  # the system's own is among them
    assert "broker_data_keys_to_rewrap 0.0" in metrics
    assert await deployment.unreadable(NEW) == []


async def test_rotate_keeps_to_its_rate(deployment: Deployment) -> None:
    """A User's sign-in comes first."""
    await deployment.add_users(22, OLD)
    deployment.use(NEW, OLD)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await vault(deployment, "rotate", "--rate", "50")

    assert loop.time() - began >= 25 / 50


async def test_rotate_names_what_does_not_unwrap(deployment: Deployment) -> None:
    """And exits with a problem."""
    async with SqlStore(deployment.url) as store:
        key = await store.data_key("usr_1")
        await damage(store)
    deployment.use(NEW, OLD)
    done = await vault(deployment, "rotate")

    assert key is not None
    assert done.exit_code == 1
    assert f"data key {key.id} does not unwrap, and was left as it is" in done.stderr
    assert await deployment.keks() == {NEW: 2, OLD: 1}


async def test_rotate_waits_for_another_process_that_is_at_it(deployment: Deployment) -> None:
    """And goes on where that one stopped."""
    deployment.use(NEW, OLD)
    async with SqlStore(deployment.url) as store:
        now = SystemClock().now()
        await store.take_lease(LEASE, "another", now, LEASE_SECONDS)
        rotating = asyncio.create_task(vault(deployment, "rotate"))
        await asyncio.sleep(1.5)
        assert not rotating.done()
        await store.take_lease(LEASE, "another", now, 0)
    done = await rotating

    assert "another process is moving them, 3 left" in done.stderr
    assert await deployment.keks() == {NEW: 3}


async def test_rotate_refuses_a_keyring_of_another_deployment(deployment: Deployment) -> None:
    """Nothing is wrapped by a KEK that nobody else has."""
    deployment.entries[OLD] = json.loads(new_kek(OLD))
    deployment.use(NEW, OLD)
    done = await vault(deployment, "rotate")

    assert done.exit_code == 1
    assert "is not the one that wrapped data key" in done.stderr
    assert await deployment.keks() == {OLD: 3}


async def test_two_hosts_with_a_new_kek_each_are_told_apart(deployment: Deployment) -> None:
    """Before the second one has wrapped anything by it."""
    deployment.use(NEW, OLD)
    assert (await vault(deployment, "rotate")).exit_code == 0
    await deployment.add_users(1, OLD)
    deployment.entries[NEW] = json.loads(new_kek(NEW))
    deployment.use(OLD, NEW)
    done = await vault(deployment, "rekey", "usr_3")

    assert done.exit_code == 1
    assert NEW in done.stderr


@pytest.mark.parametrize("keks", [(OLD, NEW), (NEW, OLD)])
async def test_a_kek_in_use_cannot_retire(deployment: Deployment, keks: tuple[str, ...]) -> None:
    """It says what needs it, and what to do."""
    deployment.use(*keks)
    answer = await vault(deployment, "retire", OLD)

    assert answer.exit_code == 1
    assert f"{OLD} still wraps 3 data keys (dek_" in answer.stderr
    assert "broker vault rotate" in answer.stderr


async def test_a_kek_that_wraps_nothing_any_more_can_retire(deployment: Deployment) -> None:
    """But not the first, by which new data keys are wrapped, nor one that nobody knows."""
    deployment.use(NEW, OLD)
    await vault(deployment, "rotate")

    assert (await vault(deployment, "retire", OLD)).exit_code == 0
    assert "back-ups" in (await vault(deployment, "retire", OLD)).stdout
    first = await vault(deployment, "retire", NEW)
    assert (first.exit_code, "still wraps 3" in first.stderr) == (1, True)
    deployment.use(OLD, NEW)
    assert "is the first of the keyring" in (await vault(deployment, "retire", OLD)).stderr
    unknown = await vault(deployment, "retire", "local:other:1")
    assert (unknown.exit_code, "is not in the keyring" in unknown.stderr) == (1, True)


async def test_a_kek_cannot_retire_while_keys_are_on_their_way(tmp_path: Path) -> None:
    """After each write of a rotation it is asked whether the old one may go: not before the last key has left it."""
    deployment = await deploy(tmp_path)
    await deployment.add_users(AT_ONCE + 1, OLD)
    deployment.use(NEW, OLD)
    answers: list[bool] = []

    async def pace(_: Rewrapped) -> None:
        answers.append((await retire(load(deployment.config, {}), OLD)).may_go)

    async with SqlStore(deployment.url) as store:
        vault = LocalVault(deployment.keyring(NEW, OLD))
        await rewrap(store, vault, SystemClock(), holder="run_1", asked=True, pace=pace)
    assert answers == [False, True]


async def test_a_kek_that_a_rekey_uses_again_cannot_retire(deployment: Deployment) -> None:
    """By a process that has yet to learn of the new one."""
    deployment.use(NEW, OLD)
    await vault(deployment, "rotate")
    deployment.use(OLD, NEW)
    assert (await vault(deployment, "rekey", "usr_1")).exit_code == 0
    deployment.use(NEW, OLD)
    answer = await vault(deployment, "retire", OLD)

    assert (answer.exit_code, f"{OLD} still wraps 1 data keys" in answer.stderr) == (1, True)
    assert await deployment.unreadable(NEW, OLD) == []


async def test_of_many_data_keys_some_are_named(deployment: Deployment) -> None:
    """Enough to look at."""
    await deployment.add_users(9, OLD)
    answer = await vault(deployment, "retire", OLD)

    assert answer.stderr.count("dek_") == 5
    assert "12 data keys" in answer.stderr


async def test_rekey_gives_a_user_another_data_key(deployment: Deployment) -> None:
    """All that is kept of them opens under it; nobody else's changes."""
    async with SqlStore(deployment.url) as store:
        before = [await store.data_key(user_id) for user_id in deployment.users]
        done = await vault(deployment, "rekey", "usr_1")
        after = [await store.data_key(user_id) for user_id in deployment.users]

    assert done.exit_code == 0
    assert after[1] is not None
    assert done.stdout == f"usr_1 has the data key {after[1].id} now.\n"
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True]
    assert await deployment.unreadable(OLD) == []


async def test_rekey_says_why_not(deployment: Deployment) -> None:
    """Nobody of this id; something that does not open."""
    assert (await vault(deployment, "rekey", "usr_nobody")).exit_code == 1
    async with SqlStore(deployment.url) as store:
        await damage(store)
    done = await vault(deployment, "rekey", "usr_1")

    assert done.exit_code == 1
    assert "does not open" in done.stderr


async def test_a_database_that_lacks_a_migration_is_refused(tmp_path: Path) -> None:
    """By each command that asks it."""
    deployment = await deploy(tmp_path)
    await asyncio.to_thread(Path(deployment.url.removeprefix("sqlite:///")).unlink)
    for arguments in (("status",), ("rotate",), ("retire", OLD), ("rekey", "usr_1")):
        done = await vault(deployment, *arguments)

        assert done.exit_code == 1
        assert "broker migrate" in done.stderr


async def test_no_command_shows_a_key(deployment: Deployment) -> None:
    """But the one that makes it."""
    deployment.use(NEW, OLD)
    shown = ""
    for arguments in (("status",), ("rotate",), ("retire", OLD), ("rekey", "usr_1"), ("status", "--json")):
        shown += (await vault(deployment, *arguments)).output

    assert not [entry["key"] for entry in deployment.entries.values() if entry["key"][:8] in shown]


def test_a_new_kek_is_printed_as_an_entry() -> None:
    """Which a keyring takes as it is; a name that is no KEK's is refused."""
    made = CliRunner().invoke(cli, ["vault", "new-kek", NEW])
    document = {"version": 1, "keks": [json.loads(made.stdout)]}
    for name in ("lookup_keys", "cookie_keys"):
        document[name] = [{"id": "k", "key": json.loads(new_kek(OLD))["key"]}]

    assert [kek.id for kek in parse_keyring(json.dumps(document)).keks] == [NEW]
    refused = CliRunner().invoke(cli, ["vault", "new-kek", "main"])
    assert (refused.exit_code, "local:<name>:<version>" in refused.stderr) == (1, True)


async def damage(store: SqlStore) -> None:
    """A row's disk went bad."""
    key = await store.data_key("usr_1")
    assert key is not None
    await store.write(RewrapDataKey(key=replace(key, wrapped=b"damaged"), expected_wrapped=key.wrapped))
