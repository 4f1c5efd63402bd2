"""The operator's commands on retention and legal holds, on both databases."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from broker.__main__ import cli
from broker.domain.changes import ReplaceConnection
from broker.flows.privacy.retain import LEASE, LEASE_SECONDS, Retained
from broker.operate_retention import retain_now
from broker.settings.load import load
from broker.storage.store import SqlStore
from tests.fakes.clock import SettableClock
from tests.security.deployment import NOW, OLD, Deployment, deploy

pytestmark = pytest.mark.anyio

POLICY = """\
[google.keep]
email = "Contact address"

[retention]
idle_tokens = 1
idle_users = 1

[retention.by_law.books]
actions = ["apply.PutClientOrg"]
days = 3650
ground = "a law"
"""


@pytest.fixture(params=["sqlite", "postgres"])
async def deployment(request: pytest.FixtureRequest, tmp_path: Path) -> Deployment:
    """Three Users who have not been there for years, on each database in turn."""
    url = None if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    deployment = await deploy(tmp_path, url)
    await deployment.add_users(3, OLD)
    (deployment.folder / "policy.toml").write_text(POLICY)
    async with SqlStore(deployment.url) as store:
        for user_id in deployment.users:
            (found,) = await store.connections_of(user_id)
            long_ago = replace(found.connection, last_used_at=1_600_000_000)
            await store.write(ReplaceConnection(connection=long_ago, expected_generation=long_ago.generation))
    return deployment


async def broker(deployment: Deployment, *arguments: str) -> Result:
    whole = [*arguments, "--config", str(deployment.config)]
    return await asyncio.to_thread(CliRunner().invoke, cli, whole)


async def test_run_does_what_the_dry_run_says(deployment: Deployment) -> None:
    """But for whoever is held; a second time there is nothing to do."""
    held = deployment.users[0]
    placed = await broker(deployment, "holds", "place", held, "--reference", "2027/114")
    assert (placed.exit_code, placed.stdout) == (0, f"{held} is held: 2027/114.\n")
    would = await broker(deployment, "retention", "run", "--dry-run", "--json")
    counts = {"sessions": 0, "grants": 0, "tokens": 2, "events": 0, "idle_users": 0, "unreadable": []}
    assert (would.exit_code, json.loads(would.stdout)) == (0, {"dry_run": True, **counts})
    assert json.loads((await broker(deployment, "retention", "run", "--json")).stdout) == {"dry_run": False, **counts}

    again = await broker(deployment, "retention", "run")
    assert again.stdout == (
        "0 Sessions with 0 grants, the tokens of 0 Connections and 0 events went. 0 Users are idle.\n"
    )
    async with SqlStore(deployment.url) as store:
        left = [(await store.connections_of(user))[0].connection.sealed_tokens is not None for user in deployment.users]
    assert left == [True, False, False]


async def test_holds_are_placed_listed_and_lifted(deployment: Deployment) -> None:
    """Each says what it did, to people and to programs."""
    who = deployment.users[1]
    assert (await broker(deployment, "holds", "list")).stdout == "Nobody is held.\n"
    first = await broker(deployment, "holds", "place", who, "--reference", "a/1", "--json")
    hold = json.loads(first.stdout)
    assert hold.pop("changed") is True
    assert hold == {"user_id": who, "reference": "a/1", "since": hold["since"]}
    again = await broker(deployment, "holds", "place", who, "--reference", "a/1")
    assert again.stdout == f"{who} is held already: a/1.\n"
    assert json.loads((await broker(deployment, "holds", "list", "--json")).stdout) == {"holds": [hold]}
    listed = (await broker(deployment, "holds", "list")).stdout.splitlines()
    assert (listed[0].split()[:2], listed[1].split()[:2]) == (["USER", "REFERENCE"], [who, "a/1"])

    assert (await broker(deployment, "holds", "lift", who)).stdout == f"{who} is not held any more.\n"
    assert (await broker(deployment, "holds", "lift", who)).stdout == f"{who} was not held.\n"
    lifted = await broker(deployment, "holds", "lift", who, "--json")
    assert json.loads(lifted.stdout) == {"user_id": who, "changed": False}


async def test_nobody_is_held_by_mistake(deployment: Deployment) -> None:
    """Neither who is not known, nor by a reference that is none."""
    for who, reference in (("usr_nobody", "a/1"), (deployment.users[0], "because of Ada")):
        refused = await broker(deployment, "holds", "place", who, "--reference", reference)
        assert (refused.exit_code, refused.stdout) == (1, "")
    assert (await broker(deployment, "holds", "place", deployment.users[0])).exit_code == 2
    assert (await broker(deployment, "holds", "list")).stdout == "Nobody is held.\n"


async def test_show_says_how_long_what_is_kept(deployment: Deployment) -> None:
    """And what a law wants."""
    shown = await broker(deployment, "retention", "show", "--json")
    assert json.loads(shown.stdout) == {
        "days": {"sessions": 30, "idle_tokens": 1, "idle_users": 1, "ledger": 730},
        "by_law": {"books": {"days": 3650, "actions": ["apply.PutClientOrg"], "ground": "a law"}},
    }
    (deployment.folder / "policy.toml").write_text('[retention]\nledger = "unlimited"\n')
    lines = (await broker(deployment, "retention", "show")).stdout.splitlines()
    assert [line.split() for line in lines[1:]] == [
        ["sessions", "30", "days"],
        ["idle_tokens", "365", "days"],
        ["idle_users", "unlimited"],
        ["ledger", "unlimited"],
    ]


async def test_run_waits_for_another_process_that_is_at_it(deployment: Deployment) -> None:
    """It may know an older policy."""
    clock, heard = SettableClock(NOW), list[bool]()
    async with SqlStore(deployment.url) as store:
        await store.take_lease(LEASE, "another", NOW, LEASE_SECONDS)

    def told(so_far: Retained) -> None:
        heard.append(so_far.is_ours)
        clock.advance(LEASE_SECONDS)

    done = await retain_now(load(deployment.config), dry_run=False, told=told, clock=clock)

    assert heard == [False, True]
    assert done == Retained(tokens=3)
