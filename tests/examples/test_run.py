"""docs/how-to/run.md, done to the letter: from nothing to serving; and back from a back-up."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.docs.reading import DOCS, section
from tests.examples.counted import counted_broker
from tests.examples.files import SECRETS, laid_out
from tests.examples.walk import Walk
from tests.rules.tree import ROOT, text
from tests.servers.postgres import PostgresServer
from tests.servers.process import start, stop, wait_until_ready
from tests.world.contents import tables_of

RUN = text(DOCS / "how-to" / "run.md")
BACK_UP = text(DOCS / "how-to" / "back-up-and-restore.md")
PROGRAMS = Path(sys.executable).parent


def _scripts(heading: str, page: str = "") -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", section(page or RUN, heading), re.MULTILINE | re.DOTALL)


def _do(script: str, folder: Path, path: Path, **environment: str) -> str:
    """Run a script as a person would type it; what it printed. Raises `CalledProcessError`."""
    whole = {"PATH": f"{path}:{os.environ['PATH']}", **environment}
    done = subprocess.run(
        ["sh", "-eu", "-c", script], cwd=folder, env=whole, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The examples, without a keyring."""
    (laid_out(tmp_path) / "keyring.json").unlink()
    yield tmp_path


def test_the_broker_serves_after_these_commands(folder: Path) -> None:
    """Every line of the page, but for the port, which must be free."""
    (script,) = _scripts("From nothing to serving")
    *before, serve = script.strip().splitlines()
    assert "serve" in serve
    printed = _do("\n".join(before), folder, PROGRAMS, **SECRETS)
    assert "applied" in printed
    assert "+ client acme" in printed
    assert printed.endswith("No problem found.\n")

    output, log = folder / "output", folder / "log"
    words = serve.replace("8000", "0").split()
    environment = {"PATH": os.environ["PATH"], **SECRETS}
    process = start([PROGRAMS / words[0], *words[1:]], log=log, output=output, environment=environment, folder=folder)
    try:
        wait_until_ready(process, lambda: "Serving on" in output.read_text(), log)
        url = output.read_text().split()[-1]
        with urlopen(f"{url}/readyz") as answer:
            assert json.load(answer) == {"status": "ready"}
        with urlopen(f"{url}/.well-known/openid-configuration") as answer:
            assert json.load(answer)["issuer"] == "https://id.partner-ops.example"
    finally:
        stop(process)


def test_docker_runs_what_the_image_is_made_for() -> None:
    """The user, the port and the place of the settings are those of the Dockerfile."""
    dockerfile = text(ROOT / "Dockerfile")
    told = section(RUN, "Docker")

    (user,) = re.findall(r"^USER (\d+):", dockerfile, re.MULTILINE)
    (settings,) = re.findall(r"BROKER_CONFIG=(\S+)", dockerfile)
    (port,) = re.findall(r"^EXPOSE (\d+)", dockerfile, re.MULTILINE)
    (data,) = re.findall(r"^WORKDIR (/var/\S+)", dockerfile, re.MULTILINE)
    assert [fact for fact in (f"user {user}", settings, f"port {port}", data) if fact not in told] == []


@pytest.mark.anyio
async def test_a_back_up_brings_everything_back(
    worker_postgres: PostgresServer, postgres_url: str, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Two dumps, the keys in one of their own, restored into an empty database: every row is there again."""
    async with counted_broker(tmp_path_factory.mktemp("broker"), postgres_url) as broker:
        await Walk(broker, "ada").sign_in("a new User")
    dump, restore = _scripts("PostgreSQL", BACK_UP)
    name = worker_postgres.create_database()
    try:
        _do(dump, folder, worker_postgres.programs, BROKER_DATABASE_URL=postgres_url)
        _do(restore, folder, worker_postgres.programs, BROKER_DATABASE_URL=worker_postgres.url(name))
        before, after = await tables_of(postgres_url), await tables_of(worker_postgres.url(name))
    finally:
        worker_postgres.drop_database(name)

    assert after == before
    assert len(before["data_keys"]) == 2
    assert b"broker_keys" not in (folder / "broker.dump").read_bytes()
