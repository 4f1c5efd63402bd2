"""The operator's and the auditor's commands: the ledger is shown and proven, its head exported."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from broker.__main__ import cli
from broker.app import SystemClock, opened
from broker.domain import changes as c
from broker.domain.ids import ApplicationId, UserId
from broker.domain.ledger import AuditEvent
from broker.flows.ledger.chain import chain
from broker.flows.ledger.sign_head import sign_head
from broker.flows.sealed_event import sealing_address
from broker.settings.load import load
from tests.security.deployment import OLD, Deployment, deploy
from tests.test_operate_policy_kept import invite

pytestmark = pytest.mark.anyio

NOW = SystemClock().now()
SIGNED_IN = AuditEvent(
    at=NOW,
    action="sign_in.finish",
    outcome="done",
    request_id="req-1",
    user_id=UserId("usr_0"),
    object_id="con_0",
)
REDEEMED = AuditEvent(
    at=NOW,
    action="redeem",
    outcome="done",
    request_id="req-2",
    user_id=UserId("usr_0"),
    application_id=ApplicationId("demo-app"),
    object_id="gnt_0",
    released=("email", "name"),
    ground="first_party",
)


@pytest.fixture
async def deployment(tmp_path: Path) -> Deployment:
    """Two Users; one has signed in and was told of; all of it is chained and signed."""
    deployment = await deploy(tmp_path)
    await deployment.add_users(2, OLD)
    async with opened(load(deployment.config)) as edges:
        ports = edges.ports
        key = await ports.store.data_key("usr_0")
        assert key is not None
        signed_in = await sealing_address(SIGNED_IN, "203.0.113.0/24", key, ports.vault)
        await ports.store.write(c.Record(event=signed_in), c.Record(event=REDEEMED))
        await chain(ports.store, ports.clock, holder="run")
        await sign_head(ports)
    return deployment


async def run(deployment: Deployment, *arguments: str) -> Result:
    """`broker ledger …`"""
    return await asyncio.to_thread(CliRunner().invoke, cli, ["ledger", *arguments, "--config", str(deployment.config)])


def forge(deployment: Deployment, statement: str) -> None:
    """Behind the broker's back."""
    with sqlite3.connect(deployment.url.removeprefix("sqlite:///")) as database:
        database.execute(statement)
    database.close()


async def test_a_whole_ledger_is_proven(deployment: Deployment) -> None:
    """In words, and as data; exit code 0."""
    found = await run(deployment, "verify")
    as_json = json.loads((await run(deployment, "verify", "--json")).output)

    assert found.exit_code == 0, found.output
    assert f"{as_json['position']} events are as they were chained. 0 are not chained yet." in found.output
    assert "1 signed heads agree." in found.output
    assert (as_json["problems"], as_json["broken"], as_json["heads"]) == ([], None, 1)


async def test_the_first_broken_event_is_named(deployment: Deployment) -> None:
    """Exit code 1."""
    forge(deployment, "UPDATE ledger SET reason = 'forged' WHERE action = 'redeem'")
    found = await run(deployment, "verify")
    as_json = await run(deployment, "verify", "--json")

    assert (found.exit_code, as_json.exit_code) == (1, 1)
    broken = json.loads(as_json.output)["broken"]
    assert broken["what"] == "changed"
    assert f"position {broken['position']}, event {broken['event_id']}: the event is not what it was" in found.stderr


async def test_a_head_that_was_exported_proves_what_the_database_cannot(deployment: Deployment, tmp_path: Path) -> None:
    """As text, or as JSON: somebody has made everything anew, and deleted what was signed."""
    text, document = tmp_path / "head.jwt", tmp_path / "head.json"
    text.write_text((await run(deployment, "head")).output)
    document.write_text((await run(deployment, "head", "--json")).output)
    for file in (text, document):
        assert (await run(deployment, "verify", "--head", str(file))).exit_code == 0

    forge(deployment, "UPDATE ledger SET reason = 'forged' WHERE action = 'redeem'")
    forge(deployment, "DELETE FROM ledger_links")
    forge(deployment, "DELETE FROM ledger_heads")
    async with opened(load(deployment.config)) as edges:
        await chain(edges.ports.store, edges.ports.clock, holder="run")
    assert (await run(deployment, "verify")).exit_code == 0
    for file in (text, document):
        found = await run(deployment, "verify", "--head", str(file))
        assert (found.exit_code, "not the one that was signed" in found.stderr) == (1, True)


@pytest.mark.parametrize("content", ["", "[]", '{"position": 1}', "not a head"])
async def test_a_file_that_is_no_head_is_a_problem(deployment: Deployment, tmp_path: Path, content: str) -> None:
    """It proves nothing."""
    (tmp_path / "head").write_text(content)
    found = await run(deployment, "verify", "--head", str(tmp_path / "head"))

    assert (found.exit_code, "none of this broker's" in found.stderr) == (1, True)
    missing = await run(deployment, "verify", "--head", str(tmp_path / "missing"))
    assert (missing.exit_code, "cannot be read" in missing.stderr) == (1, True)


async def test_before_anything_is_signed_there_is_no_head(deployment: Deployment) -> None:
    """Exit code 1, and why."""
    forge(deployment, "DELETE FROM ledger_heads")
    found = await run(deployment, "head")

    assert (found.exit_code, "nothing is signed yet" in found.stderr) == (1, True)


async def test_pruned_events_and_forgotten_keys_are_told_of(deployment: Deployment) -> None:
    """Neither is a problem."""
    columns = "at, action, outcome, reason, request_id, object_id"
    forge(deployment, f"INSERT INTO ledger ({columns}) VALUES (1, 'ledger.prune', 'done', '', '', '2')")
    forge(deployment, "DELETE FROM ledger WHERE id = 1")
    forge(deployment, "DELETE FROM signing_keys")
    found = await run(deployment, "verify")

    assert found.exit_code == 0, found.output
    assert "1 of them pruned up to position 2" in found.output
    assert "1 by keys that are forgotten by now" in found.output


async def test_events_are_shown_and_what_is_sealed_only_on_request(deployment: Deployment) -> None:
    """Of one User, by id or e-mail address, or of all; a part at a time."""
    await invite(deployment, "ada@acme.example", UserId("usr_0"))
    for who in ("usr_0", "ada@acme.example"):
        lines = (await run(deployment, "show", "--user", who)).output.splitlines()
        assert [line.split()[3] for line in lines[1:]] == ["sign_in.finish", "redeem"]
        assert "sealed" in lines[1]
        assert "email,name" in lines[2]
    assert "203.0.113" not in (await run(deployment, "show")).output
    shown = json.loads((await run(deployment, "show", "--user", "usr_0", "--values", "--json")).output)["events"]
    assert [event.get("from") for event in shown] == ["203.0.113.0/24", None]
    assert [event["sealed"] for event in shown] == [True, False]
    after = await run(deployment, "show", "--user", "usr_0", "--after", str(shown[0]["id"]), "--limit", "1", "--json")
    assert json.loads(after.output)["events"] == [{k: v for k, v in shown[1].items() if k != "from"}]
    assert "203.0.113.0/24" in (await run(deployment, "show", "--values")).output
    assert (await run(deployment, "show", "--user", "usr_1")).output == ""


async def test_an_address_of_several_users_shows_nothing(deployment: Deployment) -> None:
    """It takes an id."""
    await invite(deployment, "shared@acme.example", UserId("usr_0"), UserId("usr_1"))
    found = await run(deployment, "show", "--user", "shared@acme.example")

    assert (found.exit_code, "say which one: usr_0, usr_1" in found.stderr) == (1, True)


async def test_disclosures_are_listed(deployment: Deployment) -> None:
    """Which attributes, to whom, on what ground."""
    await invite(deployment, "ada@acme.example", UserId("usr_0"))
    for who in ("usr_0", "ada@acme.example"):
        lines = (await run(deployment, "disclosures", who)).output.splitlines()
        assert lines[0] == "usr_0: 1 disclosures"
        assert lines[2].split()[2:5] == ["demo-app", "email,name", "first_party"]
    (told,) = json.loads((await run(deployment, "disclosures", "usr_0", "--json")).output)["disclosures"]
    assert (told["user"], told["attributes"], told["grant_id"]) == ("usr_0", ["email", "name"], "gnt_0")
    assert (await run(deployment, "disclosures", "usr_1")).output == "usr_1: 0 disclosures\n"
    assert (await run(deployment, "disclosures", "nobody@acme.example")).exit_code == 1
