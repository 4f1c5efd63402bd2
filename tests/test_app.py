"""The composition: what only looks leaves the database as it was, and a Client that the policy misspells is told."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from broker.__main__ import cli
from broker.app import Applied, apply_file, opened, problems_of
from broker.settings.load import load
from broker.storage.database_url import sqlite_path
from broker.storage.migrate import migrate
from tests.world.contents import Rows, tables_of
from tests.world.files import CLIENTS, POLICY, Files
from tests.world.world import GOOGLE_ALONE, open_world

pytestmark = pytest.mark.anyio

MISSPELT = POLICY.replace("[google.clients.acme]", "[google.clients.acm]")
UNKNOWN = "policy: [google.clients.acm]: there is no Client of this name, so this narrows nobody; "


class Deployment:
    """An operator's files, and a database that is migrated when `migrated` is awaited."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.database_url = database_url
        self.files = Files(
            issuer="http://localhost:8000",
            provider="http://localhost:8001",
            application="http://localhost:8002",
            database_url=database_url,
            registrations=GOOGLE_ALONE,
            settings="",
            policy=POLICY,
            clients=CLIENTS,
        )
        self.config = self.files.write(folder)
        self.clients = folder / "clients.toml"

    async def migrated(self) -> Deployment:
        await migrate(self.database_url)
        return self

    async def apply(self, *, dry_run: bool = False) -> Applied:
        return await apply_file(load(self.config, {}), self.clients, dry_run=dry_run)

    async def open(self, *, writes: bool = True) -> None:
        """Start, and end at once."""
        async with opened(load(self.config, {}), writes=writes):
            pass

    def set_policy(self, text: str) -> None:
        (self.config.parent / "policy.toml").write_text(text)

    async def tables(self) -> dict[str, Rows]:
        return await tables_of(self.database_url)

    def bytes(self) -> bytes | None:
        """SQLite's file."""
        path = sqlite_path(self.database_url)
        return None if path is None else path.read_bytes()


@pytest.fixture(params=["sqlite", "postgres"])
def deployment(request: pytest.FixtureRequest, tmp_path: Path) -> Deployment:
    """On each engine in turn."""
    sqlite = f"sqlite:///{tmp_path / 'broker.sqlite'}"
    return Deployment(tmp_path, request.getfixturevalue("postgres_url") if request.param == "postgres" else sqlite)


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Deployment:
    """For what has nothing to do with the database."""
    return Deployment(tmp_path, f"sqlite:///{tmp_path / 'broker.sqlite'}")


async def test_what_only_looks_leaves_an_empty_database_as_it_was(deployment: Deployment) -> None:
    """Every row of every table, and the file itself: `broker check`, `broker apply --dry-run`."""
    await deployment.migrated()
    rows, bytes_before = await deployment.tables(), deployment.bytes()
    assert len(rows) > 15

    assert [problem.partition(": there")[0] for problem in await problems_of(deployment.config)] == [
        "policy: [google.clients.acme]"
    ]
    assert (await deployment.apply(dry_run=True)).differences
    await deployment.open(writes=False)

    assert await deployment.tables() == rows
    assert deployment.bytes() == bytes_before


async def test_what_only_looks_leaves_a_database_in_use_as_it_was(deployment: Deployment) -> None:
    """Nor does it matter that there is something to change."""
    await (await deployment.migrated()).apply()
    deployment.files.declare(deployment.config.parent, '[clients.hooli]\nname = "Hooli"\n')
    rows, bytes_before = await deployment.tables(), deployment.bytes()

    assert await problems_of(deployment.config) == []
    assert [str(d) for d in (await deployment.apply(dry_run=True)).differences] == ["+ client hooli  'Hooli'"]

    assert await deployment.tables() == rows
    assert deployment.bytes() == bytes_before


async def test_a_database_that_is_not_migrated_is_not_made(on_sqlite: Deployment) -> None:
    """Looking says what to do, and leaves no file behind."""
    (problem,) = await problems_of(on_sqlite.config)

    assert "broker migrate" in problem
    assert list(on_sqlite.config.parent.glob("broker.sqlite*")) == []


async def test_applying_and_starting_write_what_a_first_start_needs(deployment: Deployment) -> None:
    """The first signing key with its data key, and by what the right keyring is known."""
    await (await deployment.migrated()).open()
    filled = {table for table, rows in (await deployment.tables()).items() if rows} - {"sqlite_sequence"}
    assert filled == {"alembic_version", "signing_keys", "data_keys", "key_checks", "ledger"}

    await deployment.apply()
    assert {(len(rows), table) for table, rows in (await deployment.tables()).items()} >= {
        *((1, "signing_keys"), (2, "client_orgs"), (1, "applications"), (3, "authorizations")),
    }


async def test_a_client_that_the_policy_misspells_is_a_problem(on_sqlite: Deployment) -> None:
    """`broker check` names it, until the policy or the Clients are mended; nobody would be narrowed by it."""
    await (await on_sqlite.migrated()).apply()
    on_sqlite.set_policy(MISSPELT)
    (problem,) = await problems_of(on_sqlite.config)
    assert problem.startswith(UNKNOWN)

    on_sqlite.files.declare(on_sqlite.config.parent, '[clients.acm]\nname = "Acm"\n')
    await on_sqlite.apply()
    assert await problems_of(on_sqlite.config) == []


async def test_applying_says_which_clients_of_the_policy_are_not_declared(on_sqlite: Deployment) -> None:
    """By the file, which is the whole truth, not by what was there before. What it declares is done all the same."""
    await on_sqlite.migrated()
    assert (await on_sqlite.apply()).warnings == ()

    on_sqlite.set_policy(MISSPELT)
    for dry_run in (True, False):
        (warning,) = (await on_sqlite.apply(dry_run=dry_run)).warnings
        assert warning.startswith(UNKNOWN)

    on_sqlite.clients.write_text("")
    on_sqlite.set_policy(POLICY)
    (warning,) = (await on_sqlite.apply()).warnings
    assert warning.startswith(UNKNOWN.replace("acm", "acme"))
    assert (await on_sqlite.tables())["client_orgs"] == []


@pytest.mark.parametrize(("policy", "said"), [(POLICY, []), (MISSPELT, [UNKNOWN])], ids=["right", "misspelt"])
async def test_serving_warns_of_a_client_that_the_policy_misspells(
    tmp_path: Path, policy: str, said: list[str]
) -> None:
    """Once, and serves: `broker apply` may come afterwards."""
    async with open_world(tmp_path, policy=policy) as world:
        lines = [json.loads(line) for line in world.log.text.splitlines()]

    warnings = [line for line in lines if line["event"] == "policy"]
    assert [line["detail"].startswith(start) for line, start in zip(warnings, said, strict=True)] == [True] * len(said)
    assert all(line["level"] == "warning" for line in warnings)


def test_the_command_line_keeps_warnings_apart(on_sqlite: Deployment) -> None:
    """They are no differences and no failure: standard error has them, or a list of their own in JSON."""
    asyncio.run(on_sqlite.migrated())
    on_sqlite.set_policy(MISSPELT)
    words = ["apply", str(on_sqlite.clients), "--config", str(on_sqlite.config)]

    told = CliRunner().invoke(cli, [*words, "--dry-run"])
    assert (told.exit_code, "Warning" in told.stdout) == (0, False)
    assert told.stdout.splitlines()[-1] == "6 would change."
    assert told.stderr.startswith(f"Warning: {UNKNOWN}")

    document = json.loads(CliRunner().invoke(cli, [*words, "--json"]).stdout)
    assert (document["dry_run"], len(document["differences"]), len(document["warnings"])) == (False, 6, 1)

    on_sqlite.set_policy(POLICY)
    told = CliRunner().invoke(cli, words)
    assert (told.exit_code, told.stdout, told.stderr) == (0, "Nothing to change.\n", "")
    document = json.loads(CliRunner().invoke(cli, [*words, "--json"]).stdout)
    assert document == {"dry_run": False, "differences": [], "warnings": []}


def test_the_command_line_checks_the_policys_clients(on_sqlite: Deployment) -> None:
    """A problem, so exit code 1."""
    asyncio.run(on_sqlite.migrated())
    told = CliRunner().invoke(cli, ["check", "--config", str(on_sqlite.config), "--json"])

    (problem,) = json.loads(told.stdout)["problems"]
    assert problem.startswith(UNKNOWN.replace("acm", "acme"))
    assert told.exit_code == 1
