"""The proof of what is kept: nothing is found after everything that people do, and whatever is planted is found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from broker.crypto.keyring import parse_keyring
from broker.crypto.vault import LocalVault
from broker.domain.changes import ReplaceConnection
from broker.domain.connection import KeptAttribute, UpstreamTokens
from broker.flows.sealed import seal
from broker.operate_privacy import prove
from tests.security.browser import ask
from tests.security.world import BY_THE_CLOCK, World

pytestmark = pytest.mark.anyio


async def report_of(world: World) -> dict[str, Any]:
    """What `broker prove-minimal` prints."""
    whole = await prove(world.settings, lambda _: None, world.clock)
    report: dict[str, Any] = whole["report"]
    return report


async def used(world: World) -> None:
    """Ada signs in, connects another account and uses an Application in every way; Grace disconnects hers."""
    ada, grace = world.browser(), world.browser()
    await ada.sign_in()
    await ada.get(await ada.connect("ada", "corp"))
    tokens = await ada.tokens_for(ask(scope="openid email profile offline_access"))
    await ada.refresh(tokens["refresh_token"])
    await ada.userinfo(tokens["access_token"])
    await grace.sign_in("grace")
    (session,) = await world.rows("SELECT connection_id FROM sessions ORDER BY auth_time DESC, id LIMIT 1")
    await grace.press(f"/account/connections/{session['connection_id']}/disconnect")
    await ada.get("/account/data")
    await ada.get("/callback/google?state=none&code=none")


async def test_nothing_is_found_after_everything_that_people_do(any_world: World) -> None:
    """Every row of every table has been read."""
    await used(any_world)
    report = await report_of(any_world)

    assert (report["findings"], report["outside_policy"]) == ([], 0)
    assert report["opened"] >= 4
    for table, read in report["tables"].items():
        if table not in BY_THE_CLOCK:
            assert read["rows"] == await any_world.count(table)


PLANTED: Mapping[str, str] = {
    "users.status": "UPDATE users SET status = 'planted@elsewhere.example'",
    "sessions.browser": "UPDATE sessions SET browser = 'Planted Person'",
    "identities.hash": "UPDATE identities SET hash = 'planted-subject' WHERE id = (SELECT min(id) FROM identities)",
    "authorizations.invited_email": "UPDATE authorizations SET invited_email = 'planted@elsewhere.example' "
    "WHERE id = (SELECT min(id) FROM authorizations)",
    "connections.granted_scopes": "UPDATE connections SET granted_scopes = '[\"planted person\"]'",
    "connections.sealed_tokens": "UPDATE connections SET sealed_tokens = sealed_attributes",
    "taken_attempts.expires_at": "UPDATE taken_attempts SET expires_at = 5",
}


@pytest.mark.parametrize("column", PLANTED)
async def test_what_is_planted_is_found(any_world: World, column: str) -> None:
    """Where it is, and not what it is."""
    await used(any_world)
    await any_world.store.engine.change(text(PLANTED[column]))
    report = await report_of(any_world)

    assert {f"{found['table']}.{found['column']}" for found in report["findings"]} == {column}
    assert report["outside_policy"] == len(report["findings"]) > 0
    assert "planted" not in json.dumps(report).lower()


async def test_an_attribute_that_was_sealed_past_the_policy_is_found(any_world: World) -> None:
    """It opens, and should not be there."""
    await used(any_world)
    found = next(one for one in await any_world.store.connections_after("", 9) if one.connection.sealed_tokens)
    vault = LocalVault(parse_keyring(any_world.settings.keyring))
    connection = replace(found.connection, generation=found.connection.generation + 1)
    kept = (KeptAttribute(name="picture", value="planted", since=1_800_000_000),)
    tokens = UpstreamTokens(access_token="access", refresh_token=None, expires_at=None)
    attributes, sealed_tokens = await seal(connection, kept, tokens, found.data_key, vault)
    planted = replace(connection, sealed_attributes=attributes, sealed_tokens=sealed_tokens)
    await any_world.store.write(ReplaceConnection(connection=planted, expected_generation=connection.generation - 1))
    report = await report_of(any_world)

    assert [(f["row"], f["wrong"], f["detail"]) for f in report["findings"]] == [
        (connection.id, "not_allowed", f"{connection.registration}.picture")
    ]
