"""`broker export`: the archive for those who ask by post, and whether one that is shown is genuine."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from broker.__main__ import cli
from broker.domain.archive import read
from broker.storage.store import SqlStore
from tests.flows.privacy.test_export import IS_VALID
from tests.security.deployment import OLD, Deployment, deploy
from tests.test_operate_policy_kept import invite

pytestmark = pytest.mark.anyio


@pytest.fixture
async def deployment(tmp_path: Path) -> Deployment:
    """Three Users, one of whom a Client invited by an address of their own, the others by one that they share."""
    deployment = await deploy(tmp_path)
    await deployment.add_users(3, OLD)
    ada, other, another = deployment.users
    await invite(deployment, "alone@acme.example", ada)
    await invite(deployment, "shared@acme.example", other, another)
    return deployment


async def run(deployment: Deployment, *arguments: str) -> Result:
    """`broker export …`"""
    command = ["export", *arguments, "--config", str(deployment.config)]
    return await asyncio.to_thread(CliRunner().invoke, cli, command)


async def test_an_archive_is_made_and_proven(deployment: Deployment, tmp_path: Path) -> None:
    """Into a file for its owner alone; the ledger says that an operator made it."""
    file = tmp_path / "archive.json"
    made = await run(deployment, "Alone@acme.example", "--output", str(file))

    assert (made.exit_code, made.stdout) == (0, f"{file} holds everything that is kept of Alone@acme.example.\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    IS_VALID(json.loads(file.read_bytes()))
    assert read(file.read_bytes()).archive["user"]["id"] == "usr_0"
    proven = await run(deployment, "--verify", str(file))
    assert (proven.exit_code, proven.stdout) == (0, f"{file} is as this broker made it.\n")
    async with SqlStore(deployment.url) as store:
        (event,) = await store.events(1)
    assert (event.action, event.user_id, event.outcome) == ("data.export_by_operator", "usr_0", "done")


async def test_without_a_file_it_is_printed(deployment: Deployment) -> None:
    """To be piped to wherever it is wanted."""
    made = await run(deployment, "usr_0")

    assert made.exit_code == 0
    assert read(made.stdout_bytes).archive["connections"][0]["attributes"]


async def test_what_was_changed_is_found_out(deployment: Deployment, tmp_path: Path) -> None:
    """And so is another broker's, and what is no archive; each in one line."""
    file = tmp_path / "archive.json"
    good = (await run(deployment, "usr_0")).stdout
    other = tmp_path / "other"
    other.mkdir()
    elsewhere = await deploy(other)
    for content, why in (
        (good.replace('"usr_0"', '"usr_1"'), "was changed, or no key signed it that this broker still knows"),
        (good.replace('"signature": "', '"signature": "x'), "was changed, or no key signed it"),
        (good[: len(good) // 2], "is not JSON in UTF-8"),
        ("{}", "must have archive and signature"),
    ):
        file.write_text(content)
        checked = await run(deployment, "--verify", str(file))
        assert checked.exit_code == 1
        assert checked.stderr.startswith(f"{file} {why}")
        assert checked.stderr.count("\n") == 1
    file.write_text(good)
    assert (await run(elsewhere, "--verify", str(file))).exit_code == 1
    assert (await run(deployment, "--verify", str(file))).exit_code == 0


async def test_nothing_is_written_over(deployment: Deployment, tmp_path: Path) -> None:
    """Nor is anything made that could not be written."""
    file = tmp_path / "archive.json"
    file.write_text("somebody's")
    refused = await run(deployment, "usr_0", "--output", str(file))
    assert (refused.exit_code, refused.stderr) == (1, f"{file} is there already\n")
    assert file.read_text() == "somebody's"
    nowhere = await run(deployment, "usr_0", "--output", str(tmp_path / "none" / "archive.json"))
    assert nowhere.exit_code == 1
    assert "cannot be written" in nowhere.stderr


@pytest.mark.parametrize(
    ("who", "why"),
    [
        ("usr_unknown", "no User of this id is known"),
        ("system", "no User of this id is known"),
        ("nobody@acme.example", "nobody has signed in whom a Client invited by this address"),
        ("shared@acme.example", "this address stands for several Users, so say which one: usr_1, usr_2"),
    ],
)
async def test_it_has_to_be_one_user(deployment: Deployment, who: str, why: str) -> None:
    """Whom there is."""
    refused = await run(deployment, who)

    assert (refused.exit_code, refused.stderr) == (1, f"{why}\n")


@pytest.mark.parametrize(
    "arguments",
    [(), ("usr_0", "--verify", "a.json"), ("--verify", "a.json", "--output", "b.json")],
)
async def test_wrong_usage_is_told(deployment: Deployment, arguments: tuple[str, ...]) -> None:
    """With exit code 2."""
    assert (await run(deployment, *arguments)).exit_code == 2


async def test_a_file_that_is_not_there_is_told(deployment: Deployment) -> None:
    """In a line."""
    checked = await run(deployment, "--verify", "nowhere.json")

    assert (checked.exit_code, checked.stderr) == (1, "nowhere.json cannot be read: No such file or directory\n")
