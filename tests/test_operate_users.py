"""The operator's commands about one User: their Sessions, and whether they may sign in."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from broker.__main__ import cli
from broker.app import SystemClock
from broker.domain.changes import AddGrant, AddSession, PutApplication
from broker.domain.ids import ConnectionId, SessionId, UserId
from broker.storage.store import SqlStore
from tests.domain.world import APPLICATION
from tests.security.deployment import OLD, Deployment, deploy
from tests.storage import world as w
from tests.test_operate_policy_kept import invite

pytestmark = pytest.mark.anyio

NOW = SystemClock().now()


@pytest.fixture
async def deployment(tmp_path: Path) -> Deployment:
    """Two Users; the first is signed in twice, and an Application goes on in one of the two while they are away."""
    deployment = await deploy(tmp_path)
    await deployment.add_users(2, OLD)
    offline = replace(
        w.grant(application_id=APPLICATION.id, at=NOW),
        user_id=UserId("usr_0"),
        session_id=SessionId("ses_1"),
        scopes=("openid", "offline_access"),
        organization=None,
        redeemed_at=NOW,
    )
    async with SqlStore(deployment.url) as store:
        await store.write(PutApplication(application=APPLICATION))
        for number, idle in ((1, 7200), (2, 0)):
            session = replace(
                w.session(number=number, began=NOW - 7200),
                id=SessionId(f"ses_{number}"),
                user_id=UserId("usr_0"),
                connection_id=ConnectionId("con_0"),
                last_seen_at=NOW - idle,
            )
            await store.write(AddSession(session=session))
        await store.write(AddGrant(grant=offline))
    return deployment


async def run(deployment: Deployment, *arguments: str) -> Result:
    """`broker …`"""
    return await asyncio.to_thread(CliRunner().invoke, cli, [*arguments, "--config", str(deployment.config)])


async def actions(deployment: Deployment) -> list[tuple[str, str | None, str | None]]:
    """The ledger, the newest first."""
    async with SqlStore(deployment.url) as store:
        return [(event.action, event.user_id, event.object_id) for event in await store.events(9)]


async def test_sessions_are_listed(deployment: Deployment) -> None:
    """By the User's id or address, for people and as data; nothing is written, and no value of theirs is shown."""
    await invite(deployment, "shared@acme.example", *deployment.users)
    listed = await run(deployment, "sessions", "list", "usr_0")
    assert listed.exit_code == 0
    assert [line.split("  ")[0] for line in listed.stdout.splitlines()] == [
        "usr_0: active, 2 Sessions",
        "SESSION",
        "ses_1",
        "ses_2",
    ]
    assert "@" not in listed.stdout
    as_data = await run(deployment, "sessions", "list", "Shared@acme.example", "--json")

    first, second = json.loads(as_data.stdout)["users"]
    assert (second["user_id"], second["status"], second["sessions"]) == ("usr_1", "active", [])
    assert first["sessions"][0] == {
        "session_id": "ses_1",
        "signed_in": False,
        "auth_time": NOW - 7200,
        "last_seen_at": NOW - 7200,
        "browser": "Firefox on Linux",
        "connection_id": "con_0",
        "applications": [APPLICATION.id],
    }
    assert (first["sessions"][1]["signed_in"], first["sessions"][1]["applications"]) == (True, [])
    assert await actions(deployment) == []


async def test_sessions_are_ended(deployment: Deployment) -> None:
    """One, then all that are left, then none; each time a line in the ledger."""
    one = await run(deployment, "sessions", "end", "usr_0", "--session", "ses_2", "--json")
    rest = await run(deployment, "sessions", "end", "usr_0")
    none = await run(deployment, "sessions", "end", "usr_0")

    assert json.loads(one.stdout) == {"user_id": "usr_0", "ended": ["ses_2"]}
    assert (rest.stdout, none.stdout) == ("usr_0: 1 Sessions ended.\n", "usr_0: there was none to end.\n")
    assert [one.exit_code, rest.exit_code, none.exit_code] == [0, 0, 0]
    assert (await run(deployment, "sessions", "list", "usr_0")).stdout == "usr_0: active, 0 Sessions\n"
    ended = "session.end_by_operator"
    assert await actions(deployment) == [(ended, "usr_0", None), (ended, "usr_0", None), (ended, "usr_0", "ses_2")]


async def test_a_user_is_suspended_and_restored(deployment: Deployment) -> None:
    """What had begun ends; a second time nothing happens."""
    suspended = await run(deployment, "users", "suspend", "usr_0")
    listed = await run(deployment, "sessions", "list", "usr_0")
    again = await run(deployment, "users", "suspend", "usr_0", "--json")
    restored = await run(deployment, "users", "restore", "usr_0", "--json")

    assert (suspended.exit_code, suspended.stdout) == (0, "usr_0 is suspended now.\n")
    assert listed.stdout == "usr_0: suspended, 0 Sessions\n"
    assert json.loads(again.stdout) == {"user_id": "usr_0", "status": "suspended", "changed": False}
    assert json.loads(restored.stdout) == {"user_id": "usr_0", "status": "active", "changed": True}
    assert (await run(deployment, "users", "restore", "usr_0")).stdout == "usr_0 is active already.\n"
    assert await actions(deployment) == [("user.restore", "usr_0", None), ("user.suspend", "usr_0", None)]


@pytest.mark.parametrize(
    "command", [("sessions", "list"), ("sessions", "end"), ("users", "suspend"), ("users", "restore")]
)
async def test_nobody_is_nobody(deployment: Deployment, command: tuple[str, str]) -> None:
    """Exit code 1 where no such User, and where one of several would have to be guessed; 2 where none is named."""
    await invite(deployment, "shared@acme.example", *deployment.users)
    for who in ("usr_unknown", "nobody@acme.example", "@", "system"):
        refused = await run(deployment, *command, who)
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert refused.stderr
    if command != ("sessions", "list"):
        several = await run(deployment, *command, "shared@acme.example")
        assert (several.exit_code, several.stdout) == (1, "")
        assert "usr_0, usr_1" in several.stderr

    assert (await run(deployment, *command)).exit_code == 2
    assert await actions(deployment) == []


async def test_another_users_session_is_not_ended(deployment: Deployment) -> None:
    """Exit code 1, and nothing has changed."""
    refused = await run(deployment, "sessions", "end", "usr_1", "--session", "ses_2")

    assert (refused.exit_code, refused.stderr) == (1, "no such Session of this User, or it has ended\n")
    assert await actions(deployment) == []
