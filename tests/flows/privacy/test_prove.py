"""The proof of what is kept: what was planted is found, and named without its value."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from broker.domain.changes import PutHold, ReplaceConnection
from broker.domain.hold import Hold
from broker.domain.minimality import Tally
from broker.flows.connections.revoke import revoke
from broker.flows.privacy.prove import AT_ONCE, prove_minimal
from broker.flows.signed_document import is_signed
from tests.flows.setting import ADA, GRACE, NOW
from tests.flows.world import World

pytestmark = pytest.mark.anyio


class Rows:
    """An inventory of these rows."""

    def __init__(self, **tables: Sequence[Mapping[str, Any]]) -> None:
        self._tables = tables
        self.asked: list[int] = []

    @property
    def tables(self) -> Sequence[str]:
        return sorted(self._tables)

    async def rows(self, table: str, after: Sequence[Any] | None, limit: int) -> Sequence[Mapping[str, Any]]:
        later = [row for row in self._tables[table] if after is None or row["id"] > after[0]]
        self.asked.append(len(later[:limit]))
        return later[:limit]

    def key(self, table: str) -> Sequence[str]:
        return ["id"]


def attempt(number: int, expires_at: int = NOW) -> dict[str, Any]:
    return {"id": f"{number:064x}", "expires_at": expires_at}


async def proven(world: World, rows: Rows | None = None, policy: Any = None) -> dict[str, Any]:
    """The report, whose signature is ours."""
    heard: list[int] = []

    async def told(tally: Tally) -> None:
        heard.append(tally.rows.total())

    ports = world.ports if policy is None else world.with_policy(policy)
    whole = await prove_minimal(rows or Rows(), ports, told=told)
    assert is_signed("report", whole, world.signer)
    assert heard == sorted(heard)
    report: dict[str, Any] = whole["report"]
    return report


async def test_nothing_is_found_where_all_is_as_the_policy_says(world: World) -> None:
    """And the report says what was read, by which policy."""
    await world.signed_in(ADA)
    await world.signed_in(GRACE)
    report = await proven(world, Rows(taken_attempts=[attempt(1), attempt(2)], grants=[]))

    assert report == {
        "issuer": world.ports.issuer,
        "created_at": NOW,
        "policy": world.ports.policy.digest(),
        "keks": list(world.ports.vault.keks),
        "tables": {"grants": {"rows": 0, "columns": 0}, "taken_attempts": {"rows": 2, "columns": 2}},
        "rows": 2,
        "values": 4,
        "opened": 4,
        "attributes": {"google.email": 2, "google.name": 1},
        "held": 0,
        "outside_policy": 0,
        "wrong": {},
        "findings": [],
    }


async def test_nothing_is_found_of_what_was_disconnected(world: World) -> None:
    """There is nothing to open."""
    ada = await world.signed_in(ADA)
    await revoke(ada.session.connection_id, ada.user.id, world.ports, request_id="r1")
    report = await proven(world)

    assert (report["opened"], report["outside_policy"], report["attributes"]) == (0, 0, {})


async def test_what_the_policy_does_not_allow_is_found(world: World) -> None:
    """Named by its place; its value is nowhere in the report."""
    ada = await world.signed_in(ADA)
    report = await proven(world, policy={"google": {"keep": {"email": "Contact address"}}})

    assert (report["outside_policy"], report["wrong"]) == (1, {"not_allowed": 1})
    assert report["findings"] == [
        {
            "table": "connections",
            "column": "sealed_attributes",
            "row": ada.session.connection_id,
            "wrong": "not_allowed",
            "detail": "google.name",
        }
    ]
    assert "Lovelace" not in json.dumps(report)


async def test_what_does_not_open_is_found(world: World) -> None:
    """Attributes and tokens, each by itself."""
    await world.signed_in(ADA)
    before = (await world.connection()).connection
    swapped = replace(before, sealed_attributes=before.sealed_tokens, sealed_tokens=before.sealed_attributes)
    await world.store.write(ReplaceConnection(connection=swapped, expected_generation=before.generation))
    report = await proven(world)

    assert [(f["column"], f["wrong"]) for f in report["findings"]] == [
        ("sealed_attributes", "unreadable"),
        ("sealed_tokens", "unreadable"),
    ]
    assert report["opened"] == 0


async def test_a_row_of_another_form_or_too_old_is_found(world: World) -> None:
    """In whatever table."""
    report = await proven(world, Rows(taken_attempts=[attempt(1, 0), {"id": "ada@acme.example", "expires_at": NOW}]))

    assert [(f["row"], f["column"], f["wrong"]) for f in report["findings"]] == [
        (attempt(1)["id"], "expires_at", "over"),
        ("?", "id", "malformed"),
    ]


async def test_a_large_table_is_read_in_pieces(world: World) -> None:
    """Each row once."""
    rows = Rows(taken_attempts=[attempt(number) for number in range(2 * AT_ONCE + 1)])
    report = await proven(world, rows)

    assert report["rows"] == 2 * AT_ONCE + 1
    assert rows.asked == [AT_ONCE, AT_ONCE, 1, 0]


async def test_what_only_a_hold_keeps_is_counted_apart(world: World) -> None:
    """It should be gone, and has to stay. What does not belong there in any case is found all the same."""
    ada, grace = await world.signed_in(ADA), await world.signed_in(GRACE)
    await world.store.write(PutHold(hold=Hold(user_id=ada.user.id, reference="2027/114", since=NOW)))
    ended = [
        {"id": signed_in.session.id, "user_id": signed_in.user.id, "ended_at": 1, "auth_time": 1, "browser": browser}
        for signed_in, browser in ((ada, "Firefox"), (grace, "Firefox"), (ada, "ada@acme.example"))
    ]
    report = await proven(world, Rows(sessions=sorted(ended, key=lambda row: str(row["id"]))), policy={})

    assert report["held"] == 2 + 1
    assert report["wrong"] == {"not_allowed": 1, "over": 1, "malformed": 1}
