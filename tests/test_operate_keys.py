"""The operator's commands on signing keys: list, add, promote, retire, revoke."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from broker.__main__ import cli
from broker.crypto.signing_keys import generate
from broker.crypto.vault import LocalVault
from broker.domain.changes import AddDataKey, AddSigningKey
from broker.domain.sealing import SYSTEM_OWNER
from broker.domain.signing_key import DRAIN, WINDOW, SigningKey, place_of
from broker.storage.store import SqlStore
from tests.security.deployment import NEW, OLD, Deployment, deploy

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["sqlite", "postgres"])
async def deployment(request: pytest.FixtureRequest, tmp_path: Path) -> Deployment:
    """Nobody there yet, no key made, on each database in turn."""
    return await deploy(tmp_path, None if request.param == "sqlite" else request.getfixturevalue("postgres_url"))


@pytest.fixture
async def on_sqlite(tmp_path: Path) -> Deployment:
    return await deploy(tmp_path)


async def keys(deployment: Deployment, *arguments: str) -> Result:
    """`broker keys …`"""
    whole = ["keys", *arguments, "--config", str(deployment.config)]
    return await asyncio.to_thread(CliRunner().invoke, cli, whole)


async def data(deployment: Deployment, *arguments: str) -> Any:
    """What it prints with `--json`."""
    result = await keys(deployment, *arguments, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    return json.loads(result.stdout)


async def states(deployment: Deployment) -> list[str]:
    return [key["state"] for key in (await data(deployment, "list"))["keys"]]


async def plant(deployment: Deployment, kid: str, *, age: int, change: Callable[[SigningKey], SigningKey]) -> None:
    """A key of that age, in seconds."""
    async with SqlStore(deployment.url) as store:
        vault, made_at = LocalVault(deployment.keyring(OLD)), int(time.time()) - age
        data_key = await store.data_key(SYSTEM_OWNER)
        if data_key is None:
            data_key = await vault.new_key(SYSTEM_OWNER, made_at)
            await store.write(AddDataKey(key=data_key))
        new = generate()
        key = SigningKey(
            kid=kid,
            alg=new.alg,
            active=False,
            public_jwk=new.public_jwk,
            sealed_private=await vault.seal(data_key, place_of(kid), new.private_der),
            data_key_id=data_key.id,
            created_at=made_at,
        )
        await store.write(AddSigningKey(key=change(key)))


async def test_a_key_goes_through_its_states_by_hand(deployment: Deployment) -> None:
    """From the first one, which signs at once, to a stolen one, whose place a new one takes."""
    assert (await keys(deployment, "list")).stdout == "There is no signing key: the first start makes one.\n"
    first = await data(deployment, "add")
    assert (first["alg"], first["state"], first["may_sign_from"]) == ("ES256", "active", None)
    await plant(deployment, "-begins-with-a-dash", age=WINDOW, change=lambda key: key)
    assert await states(deployment) == ["pending", "active"]

    assert await data(deployment, "promote", "-begins-with-a-dash") == {"signs": "-begins-with-a-dash"}
    assert await states(deployment) == ["active", "retiring"]
    new = (await data(deployment, "revoke", "-begins-with-a-dash"))["signs"]
    found = {key["kid"]: key["state"] for key in (await data(deployment, "list"))["keys"]}
    assert found == {"-begins-with-a-dash": "revoked", first["kid"]: "retiring", new: "active"}

    assert await data(deployment, "revoke", first["kid"]) == {"signs": None}


async def test_a_key_is_not_promoted_too_early(on_sqlite: Deployment) -> None:
    """The refusal says from when on it may be; so does the list."""
    await keys(on_sqlite, "add")
    waits = await data(on_sqlite, "add")
    assert (waits["state"], waits["may_sign_from"]) == ("pending", waits["created_at"] + WINDOW)
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(waits["may_sign_from"]))
    (signs,) = (key["kid"] for key in (await data(on_sqlite, "list"))["keys"] if key["state"] == "active")

    for command, kid in (("promote", waits["kid"]), ("retire", signs)):
        refused = await keys(on_sqlite, command, kid)
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert refused.stderr == (
            f"{waits['kid']}: The key has not been published for long enough. It may sign from {when} on.\n"
        )
    assert f"may sign from {when}" in (await keys(on_sqlite, "list")).stdout
    assert await states(on_sqlite) in (["active", "pending"], ["pending", "active"])


async def test_the_list_says_since_when_and_until_when(on_sqlite: Deployment) -> None:
    """One line a key, with what matters in its state."""
    await plant(on_sqlite, "active", age=50, change=lambda key: replace(key, active=True))
    retired = lambda key: replace(key, retired_at=key.created_at, activated_at=key.created_at)  # noqa: E731
    await plant(on_sqlite, "retiring", age=60, change=retired)
    await plant(on_sqlite, "revoked", age=70, change=lambda key: replace(key, revoked_at=key.created_at))
    lines = (await keys(on_sqlite, "list")).stdout.splitlines()

    times = r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"
    for line, form in zip(
        lines,
        (
            f"revoked  ES256  revoked  made {times}, gone from {times}",
            f"retiring  ES256  retiring  made {times}, gone from {times}",
            f"active  ES256  active  made {times}, signs since {times}",
        ),
        strict=True,
    ):
        assert re.fullmatch(form, line)
    shown = {key["kid"]: key for key in (await data(on_sqlite, "list"))["keys"]}
    assert shown["retiring"]["gone_from"] == shown["retiring"]["created_at"] + DRAIN
    assert shown["retiring"]["active_since"] == shown["retiring"]["created_at"]
    assert shown["revoked"]["active_since"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("promote", "nobody"), "There is no signing key of this name. (there is no signing key nobody)"),
        (("promote", "active"), "Only a pending key can be promoted. (active is active)"),
        (("retire", "active"), "Tokens are signed by this key, and no other waits to take over. (active)"),
        (("retire", "revoked"), "This key signs nothing any more. (revoked is revoked)"),
        (("revoke", "revoked"), "This key is revoked already. (revoked)"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
async def test_what_cannot_be_is_refused_with_a_reason(
    on_sqlite: Deployment, arguments: tuple[str, ...], said: str
) -> None:
    """On standard error; nothing is changed."""
    await plant(on_sqlite, "active", age=50, change=lambda key: replace(key, active=True))
    await plant(on_sqlite, "revoked", age=70, change=lambda key: replace(key, revoked_at=key.created_at))
    refused = await keys(on_sqlite, *arguments)

    assert (refused.exit_code, refused.stdout, refused.stderr) == (1, "", f"{said}\n")
    assert await states(on_sqlite) == ["revoked", "active"]


async def test_a_key_for_another_algorithm_waits(on_sqlite: Deployment) -> None:
    """One that is unknown is wrong usage."""
    await keys(on_sqlite, "add")
    made = await data(on_sqlite, "add", "--algorithm", "RS256")
    assert (made["alg"], made["state"]) == ("RS256", "pending")
    again = await keys(on_sqlite, "add", "--algorithm", "RS256")
    assert (again.exit_code, again.stderr) == (
        1,
        f"A key of this algorithm is waiting already. ({made['kid']})\n",
    )
    retired = await keys(on_sqlite, "retire", made["kid"])
    assert (retired.exit_code, retired.stdout) == (0, "No other key had to take over.\n")

    assert (await keys(on_sqlite, "add", "--algorithm", "HS256")).exit_code == 2


async def test_a_key_that_keeps_the_broker_from_starting_can_be_revoked(on_sqlite: Deployment) -> None:
    """And is seen in the list."""
    await plant(on_sqlite, "bad", age=50, change=lambda key: replace(key, active=True))
    check = await asyncio.to_thread(CliRunner().invoke, cli, ["check", "--config", str(on_sqlite.config)])
    assert "bad: its public half is not the one of its private half" in check.stderr

    revoked = await keys(on_sqlite, "revoke", "bad")
    assert re.fullmatch(r"\S{43} signs now\.\n", revoked.stdout)
    check = await asyncio.to_thread(CliRunner().invoke, cli, ["check", "--config", str(on_sqlite.config)])
    assert (check.exit_code, check.stderr) == (0, "")


async def test_under_another_keyring_no_key_is_made(on_sqlite: Deployment) -> None:
    """It would not open with the right one."""
    await keys(on_sqlite, "add")
    on_sqlite.use(NEW)

    refused = await keys(on_sqlite, "add", "--algorithm", "EdDSA")
    assert (refused.exit_code, OLD in refused.stderr) == (1, True)
    assert len((await data(on_sqlite, "list"))["keys"]) == 1


async def test_before_the_migrations_there_is_nothing_to_do(tmp_path: Path) -> None:
    """It says what to run."""
    deployment = await deploy(tmp_path)
    (tmp_path / "broker.sqlite").unlink()

    for arguments in (("list",), ("add",), ("revoke", "any")):
        refused = await keys(deployment, *arguments)
        assert (refused.exit_code, "broker migrate" in refused.stderr) == (1, True)
