"""The operator's commands on what is kept already: purge what is not allowed any more, explain and record the rest."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from broker.__main__ import cli
from broker.app import SystemClock
from broker.crypto.secrets import KeyringSecrets
from broker.domain.changes import (
    AddAuthorization,
    BindAuthorization,
    PutApplication,
    PutClientOrg,
    ReplaceConnection,
)
from broker.domain.client_org import Authorization, ClientOrg
from broker.domain.ids import AuthorizationId, ClientOrgId, UserId
from broker.flows.privacy.purge import LEASE, LEASE_SECONDS
from broker.storage.store import SqlStore
from tests.domain.world import APPLICATION
from tests.security.deployment import NOW, OLD, Deployment, deploy

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["sqlite", "postgres"])
async def deployment(request: pytest.FixtureRequest, tmp_path: Path) -> Deployment:
    """Three Users whose e-mail address the policy does not allow any more, on each database in turn."""
    url = None if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    deployment = await deploy(tmp_path, url)
    await deployment.add_users(3, OLD)
    (deployment.folder / "policy.toml").write_text('[google.keep]\nname = "Shown to colleagues"\n')
    return deployment


async def purged(deployment: Deployment, *arguments: str) -> Result:
    """`broker policy purge`"""
    whole = ["policy", "purge", *arguments, "--config", str(deployment.config)]
    return await asyncio.to_thread(CliRunner().invoke, cli, whole)


async def test_purge_drops_what_is_not_allowed_any_more(deployment: Deployment) -> None:
    """And says how much that would be, and was; a second time there is nothing to do."""
    would = await purged(deployment, "--dry-run")
    assert would.exit_code == 0
    assert would.stdout.splitlines() == [
        "[google] email  3",
        "3 values of 3 Connections would go; 3 were looked at.",
        "3 Connections' tokens would go with that: their scopes are not asked for any more.",
    ]
    done = await purged(deployment, "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {
        "dry_run": False,
        "looked_at": 3,
        "connections": 3,
        "tokens": 3,
        "dropped": [{"registration": "google", "attribute": "email", "count": 3}],
        "unreadable": [],
    }
    assert (await purged(deployment)).stdout == "Nothing to drop; 3 Connections were looked at.\n"


async def test_purge_names_what_does_not_open(deployment: Deployment) -> None:
    """And exits with a problem, after the others were done."""
    async with SqlStore(deployment.url) as store:
        (found,) = await store.connections_of(deployment.users[1])
        damaged = replace(found.connection, sealed_attributes=b"\x01damaged")
        await store.write(ReplaceConnection(connection=damaged, expected_generation=found.connection.generation))
    done = await purged(deployment)

    assert (done.exit_code, done.stderr) == (1, f"{damaged.id} does not open, and was left as it is\n")
    assert "\n2 values of 2 Connections went; 3 were looked at.\n" in done.stdout


async def test_purge_waits_for_another_process_that_is_at_it(deployment: Deployment) -> None:
    """It may know an older policy, so everything is looked at once more."""
    async with SqlStore(deployment.url) as store:
        now = SystemClock().now()
        await store.take_lease(LEASE, "another", now - LEASE_SECONDS + 2, LEASE_SECONDS)
    done = await purged(deployment)

    assert done.stderr.startswith("another process is at it\n")
    assert "\n3 values of 3 Connections went; 3 were looked at.\n" in done.stdout


async def explained(deployment: Deployment, who: str, *arguments: str) -> Result:
    """`broker policy explain`"""
    whole = ["policy", "explain", who, *arguments, "--config", str(deployment.config)]
    return await asyncio.to_thread(CliRunner().invoke, cli, whole)


async def test_record_is_a_page_of_markdown(deployment: Deployment) -> None:
    """Of the policy in force and the Applications that are declared."""
    (deployment.folder / "policy.toml").write_text(
        '[google.keep]\nemail = "To write"\n[google.release]\nemail = "To audit"\n'
    )
    async with SqlStore(deployment.url) as store:
        await store.write(PutApplication(application=APPLICATION))
    whole = ["policy", "record", "--config", str(deployment.config)]
    printed = await asyncio.to_thread(CliRunner().invoke, cli, whole)

    assert printed.exit_code == 0
    assert printed.stdout.startswith("# Record of processing\n\n")
    assert "### google: people who sign in with Google\n" in printed.stdout
    assert "| `email` | google | To audit | `email` | tokens, userinfo |\n" in printed.stdout
    assert f"- Demo (`{APPLICATION.id}`), and the service at {APPLICATION.audience}\n" in printed.stdout


async def invite(deployment: Deployment, address: str, *users: UserId) -> None:
    """A Client for each of these Users, who accepted its invitation by this address."""
    email = KeyringSecrets(deployment.keyring(OLD)).keyed_hash("email", address)
    async with SqlStore(deployment.url) as store:
        for user_id in users:
            client_org = ClientOrg(id=ClientOrgId(f"of_{user_id}"), name="A Client", rights=frozenset())
            authorization = Authorization(
                id=AuthorizationId(f"azn_{user_id}"),
                client_org=client_org.id,
                invited_email=email,
                user_id=None,
                rights=frozenset(),
                created_at=NOW,
            )
            await store.write(
                PutClientOrg(client_org=client_org, at=NOW), AddAuthorization(authorization=authorization)
            )
            await store.write(BindAuthorization(authorization_id=authorization.id, user_id=user_id))


async def test_explain_says_what_is_kept_and_why(deployment: Deployment) -> None:
    """Of one User, without a value, and without a line in the ledger."""
    (deployment.folder / "policy.toml").write_text('[google.keep]\nemail = "Contact address"\n')
    found = await explained(deployment, "usr_1")

    assert found.exit_code == 0
    assert found.stdout.splitlines()[:3] == [
        "usr_1: 1 Connections",
        "",
        "con_1  google, active, acting for no Client",
    ]
    assert re.split(r"  +", found.stdout.splitlines()[-1]) == [
        *("email", "2027-01-15 08:00:00", "-", "Contact address", "-", "-", "-", "(not shown)")
    ]
    assert "@" not in found.stdout
    async with SqlStore(deployment.url) as store:
        assert await store.events(9) == ()


async def test_explain_tells_values_on_record(deployment: Deployment) -> None:
    """Also of what the policy does not allow any more."""
    found = await explained(deployment, "usr_1", "--values")

    assert found.stdout.splitlines()[-1].endswith("usr_1@acme.example")
    assert "not allowed any more" in found.stdout
    async with SqlStore(deployment.url) as store:
        assert [(e.action, e.user_id) for e in await store.events(9)] == [("attributes.show", "usr_1")]


async def test_explain_finds_a_user_by_an_address(deployment: Deployment) -> None:
    """However it is written, and everybody whom a Client invited by it."""
    await invite(deployment, "shared@acme.example", *deployment.users[:2])
    as_data = await explained(deployment, " Shared@ACME.example", "--json")

    users = json.loads(as_data.stdout)["users"]
    assert [user["user_id"] for user in users] == deployment.users[:2]
    assert users[0]["connections"] == [
        {
            "connection_id": "con_0",
            "registration": "google",
            "status": "active",
            "created_at": NOW,
            "clients": ["of_usr_0"],
            "attributes": [
                {
                    "name": "email",
                    "since": NOW,
                    "until": None,
                    "purpose": None,
                    "update": None,
                    "consent": None,
                    "correctable": False,
                    "corrected": False,
                    "allowed_by": [],
                    "told": [],
                }
            ],
        }
    ]
    with_values = json.loads((await explained(deployment, "usr_0", "--json", "--values")).stdout)["users"]
    assert with_values[0]["connections"][0]["attributes"][0]["value"] == "usr_0@acme.example"


@pytest.mark.parametrize("who", ["usr_unknown", "nobody@acme.example", "@", "system"])
async def test_explain_says_that_nobody_is_known(deployment: Deployment, who: str) -> None:
    """By such an id or address."""
    found = await explained(deployment, who)

    assert (found.exit_code, found.stdout) == (1, "")
    assert found.stderr


async def test_explain_says_what_there_is_nothing_of(deployment: Deployment) -> None:
    """What does not open, and what was purged."""
    async with SqlStore(deployment.url) as store:
        (found,) = await store.connections_of(deployment.users[1])
        damaged = replace(found.connection, sealed_attributes=b"\x01damaged")
        await store.write(ReplaceConnection(connection=damaged, expected_generation=found.connection.generation))
    await purged(deployment)

    assert (await explained(deployment, "usr_0")).stdout.endswith("Nothing is kept.\n")
    assert (await explained(deployment, "usr_1")).stdout.endswith("What is kept does not open.\n")
    document = json.loads((await explained(deployment, "usr_1", "--json")).stdout)
    assert document["users"][0]["connections"][0]["attributes"] is None
