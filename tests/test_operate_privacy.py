"""`broker prove-minimal`: the report, its exit codes, and whether a report is ours."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from broker.__main__ import cli
from tests.security.deployment import OLD, Deployment, as_the_broker_does, deploy

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["sqlite", "postgres"])
async def deployment(request: pytest.FixtureRequest, tmp_path: Path) -> Deployment:
    """Three Users, on each database in turn."""
    url = None if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    deployment = await deploy(tmp_path, url)
    await deployment.add_users(3, OLD, named=as_the_broker_does)
    return deployment


async def proven(deployment: Deployment, *arguments: str) -> Result:
    whole = ["prove-minimal", *arguments, "--config", str(deployment.config)]
    return await asyncio.to_thread(CliRunner().invoke, cli, whole)


async def test_the_proof_is_a_signed_report(deployment: Deployment, tmp_path: Path) -> None:
    """Which is known again, and not once a number in it was changed."""
    await asyncio.to_thread(CliRunner().invoke, cli, ["keys", "add", "--config", str(deployment.config)])
    done = await proven(deployment)
    assert done.exit_code == 0, done.output
    whole = json.loads(done.stdout)
    assert (whole["report"]["outside_policy"], whole["report"]["attributes"]) == (0, {"google.email": 3})

    ours, changed = tmp_path / "ours.json", tmp_path / "changed.json"
    ours.write_text(done.stdout)
    changed.write_text(done.stdout.replace('"rows": 3', '"rows": 4'))
    verified = await proven(deployment, "--verify", str(ours))
    assert (verified.exit_code, verified.stdout) == (0, "It is ours, and unchanged.\n")
    for other in (changed, deployment.config, tmp_path / "nowhere"):
        refused = await proven(deployment, "--verify", str(other))
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert refused.stderr.startswith(f"{other}: is no report of this broker's")


async def test_what_should_not_be_there_is_a_problem(deployment: Deployment) -> None:
    """The report says where."""
    (deployment.folder / "policy.toml").write_text('[google.keep]\nname = "Shown to colleagues"\n')
    done = await proven(deployment)

    assert done.exit_code == 1
    assert json.loads(done.stdout)["report"]["wrong"] == {"not_allowed": 3}
