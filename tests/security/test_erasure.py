"""Erasing an account: through the pages, at any step of it killed, beside a sign-in, and after a back-up came back."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from broker.app import opened
from broker.crypto.keyring import parse_keyring
from broker.crypto.vault import LocalVault
from broker.domain.changes import PutHold, Record, RemoveHold
from broker.domain.erasure import ErasureRules
from broker.domain.errors import NotFound, Refusal, SealBroken
from broker.domain.hold import Hold
from broker.domain.ids import UserId
from broker.domain.ledger import AuditEvent
from broker.domain.retention import RetentionRules
from broker.domain.sealing import Place
from broker.flows.privacy.erase import erase
from broker.jobs import erase_due
from broker.settings.load import load
from broker.storage.store import SqlStore
from tests.security.browser import SAME_ORIGIN, Browser, ask
from tests.security.deployment import OLD, as_the_broker_does, deploy
from tests.security.killed import killed_at_each_step
from tests.security.world import World
from tests.servers.postgres import ask_postgres

pytestmark = pytest.mark.anyio

MAY_MENTION = {"tombstones", "ledger", "revocations", "pending_logouts"}


async def mentioned(world: World, user_id: str) -> set[str]:
    """The tables with the User's id in any column, but for those where it may stand."""
    found = {name for name, rows in (await world.tables()).items() if any(user_id in row.values() for row in rows)}
    return found - MAY_MENTION


async def user_of(world: World) -> str:
    (row,) = await world.rows("SELECT user_id FROM sessions ORDER BY auth_time DESC, id LIMIT 1")
    return str(row["user_id"])


async def with_grace(world: World, days: int) -> Browser:
    """Ada's browser at a broker whose policy gives so many days."""
    policy = replace(world.settings.policy, erasure=ErasureRules(grace_days=days))
    return world.browser(app=await world.another(policy=policy))


async def test_an_account_is_erased_at_once_where_there_is_no_time_for_second_thoughts(any_world: World) -> None:
    """Nothing that mentions the User is left, the Provider has been told, and the receipt says so."""
    ada = await with_grace(any_world, 0)
    await ada.sign_in()
    await ada.tokens_for(ask(scope="openid email profile offline_access"))
    user_id = await user_of(any_world)
    assert await mentioned(any_world, user_id)
    asked = await ada.get("/account/erase")
    assert "It is erased at once" in asked.text

    wrong = await ada.press("/account/erase", {"word": "no"})
    assert wrong.status_code == 400
    assert "Nothing was erased" in wrong.text
    done = await ada.press("/account/erase", {"word": "Erase "})
    assert done.status_code == 200
    assert "Its access has ended" in done.text
    assert user_id not in done.text
    assert await mentioned(any_world, user_id) == set()
    assert not await ada.is_signed_in()
    (tombstone,) = await any_world.rows("SELECT user_id FROM tombstones")
    assert tombstone["user_id"] == user_id
    (row,) = await any_world.rows("SELECT user_id, sealed_token, result FROM pending_revocations")
    assert (row["user_id"], row["sealed_token"], row["result"]) == ("system", None, "revoked")


async def test_the_account_can_be_kept_until_its_day(any_world: World) -> None:
    """Everything stops at once; a sign-in is refused, and the one that is meant to keep it is not."""
    ada = await with_grace(any_world, 7)
    await ada.sign_in()
    tokens = await ada.tokens_for(ask(scope="openid email offline_access"))
    user_id = await user_of(any_world)
    done = await ada.press("/account/erase", {"word": "erase"})
    assert "Your account will be erased" in done.text
    assert (await ada.refresh(tokens["refresh_token"])).status_code == 400
    refused = await ada.sign_in()
    assert refused.status_code == 403
    assert "about to be erased" in refused.text

    begun = await ada.post("/sign-in/google", {"return_to": "/account/keep"})
    kept = await ada.get(await ada.visit(begun.headers["Location"], "ada"))
    assert kept.headers["Location"].endswith("/account/keep")
    assert await ada.is_signed_in()
    assert await user_of(any_world) == user_id
    assert "Your account is kept" in (await ada.get("/account?kept=yes")).text


async def test_a_sign_in_of_long_ago_erases_nothing(world: World) -> None:
    """Whoever finds an open browser is asked to sign in first."""
    ada = await with_grace(world, 0)
    await ada.sign_in()
    user_id = await user_of(world)
    world.clock.advance(301)
    for answer in (await ada.get("/account/erase"), await ada.press("/account/erase", {"word": "erase"})):
        assert "Sign in again first" in answer.text
    assert await mentioned(world, user_id)


async def test_a_script_of_ones_own_erases_by_the_api(any_world: World) -> None:
    """With the token that the API gives, of a browser that has just signed in; the answer is the signed receipt."""
    ada = await with_grace(any_world, 0)
    await ada.sign_in()
    user_id = await user_of(any_world)
    csrf = (await ada.get("/api/v1/me", headers=SAME_ORIGIN)).json()["csrf"]
    refused = await ada.send("POST", "/api/v1/me/erase", headers=SAME_ORIGIN)
    assert refused.status_code == 403
    any_world.clock.advance(301)
    late = await ada.send("POST", "/api/v1/me/erase", headers=SAME_ORIGIN | {"X-CSRF-Token": csrf})
    assert (late.status_code, late.json()["code"]) == (400, "sign_in_again")
    any_world.clock.advance(-301)
    done = await ada.send("POST", "/api/v1/me/erase", headers=SAME_ORIGIN | {"X-CSRF-Token": csrf})

    assert done.status_code == 200
    assert done.json()["receipt"]["tokens"] == [{"registration": "google", "result": "revoked"}]
    assert await mentioned(any_world, user_id) == set()


async def test_who_has_been_away_too_long_is_erased_unless_a_law_holds_them(any_world: World) -> None:
    """By the policy's days; a hold is in the way of the operator too."""
    ada = any_world.browser()
    await ada.sign_in()
    user_id = UserId(await user_of(any_world))
    rules = replace(any_world.settings.policy, retention=RetentionRules(idle_users=1))
    any_world.clock.advance(2 * 24 * 3600)
    hold = Hold(user_id=user_id, reference="AZ-1/2026", since=any_world.clock.now())
    event = AuditEvent(at=hold.since, action="hold.place", outcome="done", user_id=user_id)
    await any_world.store.write(PutHold(hold=hold), Record(event=event))
    async with opened(replace(any_world.settings, policy=rules), any_world.clock) as edges:
        assert await erase_due(edges.ports) == 0
        with pytest.raises(Refusal) as refused:
            await erase(user_id, edges.ports)
        assert refused.value.code == "on_hold"
        event = replace(event, action="hold.lift")
        await any_world.store.write(RemoveHold(user_id=user_id), Record(event=event))
        assert await erase_due(edges.ports) == 1
    assert await mentioned(any_world, user_id) == set()


async def test_a_page_of_another_site_erases_nothing(world: World) -> None:
    """Nor a form without the Session's token."""
    ada = await with_grace(world, 0)
    await ada.sign_in()
    answer = await ada.post("/account/erase", {"word": "erase", "csrf": "made-up"})

    assert answer.status_code == 403
    assert await mentioned(world, await user_of(world))


async def test_a_sign_in_during_the_erasure_makes_no_half_user(any_world: World) -> None:
    """Whoever comes first: afterwards there is nobody, or somebody new and whole."""
    ada, other = any_world.browser(), any_world.browser()
    await ada.sign_in()
    user_id = await user_of(any_world)
    trips = [await other.trip("ada")]
    async with opened(any_world.settings, any_world.clock) as edges:
        answers = await asyncio.gather(
            erase(UserId(user_id), edges.ports), *(other.get(trip) for trip in trips), return_exceptions=True
        )
        assert not isinstance(answers[0], BaseException)
    assert await mentioned(any_world, user_id) == set()
    for row in await any_world.rows("SELECT id FROM users"):
        assert (await any_world.store.connections_of(row["id"]))[0].connection.user_id == row["id"]


async def test_an_erasure_that_is_killed_at_any_step_ends_the_same(tmp_path: Path) -> None:
    """Whoever comes next finds the User leaving, and goes on."""
    made = await deploy(tmp_path)
    await made.add_users(2, OLD, named=as_the_broker_does)
    gone, stays = made.users
    async for copy in killed_at_each_step(made, tmp_path, f"erase:{gone}", least=4):
        async with opened(load(copy.config)) as edges:
            with contextlib.suppress(NotFound):  # it was done before the end came
                await erase(gone, edges.ports)
            assert await edges.ports.store.user(gone) is None
            assert await edges.ports.store.rows_of_user(gone) == {}
            assert await edges.ports.store.data_key(gone) is None
            assert await edges.ports.store.user(stays) is not None


async def test_whom_a_back_up_brings_back_is_unreadable_and_erased_again(any_world: World, tmp_path: Path) -> None:
    """A dump without the keys, erased, the dump restored: no key that is left opens anything, and then it is gone."""
    ada, grace = any_world.browser(), any_world.browser()
    await ada.sign_in()
    user_id = UserId(await user_of(any_world))
    await grace.sign_in("grace")
    backup = tmp_path / "backup"
    await asyncio.to_thread(dump, any_world.settings.database_url, backup)
    async with opened(any_world.settings, any_world.clock) as edges:
        await erase(user_id, edges.ports)
    await any_world.store.close()
    await asyncio.to_thread(restore, any_world.settings.database_url, backup)

    vault = LocalVault(parse_keyring(any_world.settings.keyring))
    async with SqlStore(any_world.settings.database_url) as store:
        assert await store.user(user_id) is not None
        keys = [key for of_kek in (await store.data_keys_by_kek()).values() for key in of_kek]
        assert keys
        rows = await any_world.rows(f"SELECT * FROM connections WHERE user_id = '{user_id}'")
        assert rows
        for row in rows:
            for column in ("sealed_attributes", "sealed_tokens"):
                for key in keys:
                    for owner in (user_id, key.owner):
                        with pytest.raises(SealBroken):
                            await vault.open(key, place(row, column, owner), row[column])
    async with opened(any_world.settings, any_world.clock) as edges:
        assert await erase_due(edges.ports) == 1
        assert await edges.ports.store.user(user_id) is None
        assert await edges.ports.store.rows_of_user(user_id) == {}
    assert await grace.is_signed_in()


def place(row: Any, column: str, owner: str) -> Place:
    """Where the row says that it belongs."""
    return Place(
        table="connections",
        column=column,
        row_id=row["id"],
        owner=owner,
        registration=row["registration"],
        generation=row["generation"],
    )


def dump(url: str, file: Path) -> None:
    """Everything but the keys and the tombstones."""
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as source, sqlite3.connect(file) as copy:
            source.backup(copy)
            copy.executescript("DELETE FROM data_keys; DELETE FROM tombstones; VACUUM")
        return
    ask_postgres("pg_dump", "--format=plain", "--exclude-schema=broker_keys", f"--file={file}", url)


def restore(url: str, file: Path) -> None:
    """The back-up, beside the keys that are there."""
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as database:
            database.execute("ATTACH DATABASE ? AS backup", (str(file),))
            tables = database.execute("SELECT name FROM backup.sqlite_master WHERE type = 'table'").fetchall()
            database.execute("PRAGMA foreign_keys = OFF")
            for (name,) in tables:
                if name not in ("data_keys", "tombstones") and re.fullmatch("[a-z_]+", name) and "sqlite" not in name:
                    database.execute(f"DELETE FROM main.{name}")
                    database.execute(f"INSERT INTO main.{name} SELECT * FROM backup.{name}")
        return
    ask_postgres("psql", "--quiet", "--command=DROP SCHEMA public CASCADE; CREATE SCHEMA public", url)
    ask_postgres("psql", "--quiet", f"--file={file}", url)
