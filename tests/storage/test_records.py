"""What the tables hold of one User: all of it, nobody else's, and no table or column is forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from sqlalchemy import LargeBinary, Table

from broker.domain import changes as c
from broker.domain.changes import Change
from broker.domain.ids import ApplicationId, SessionId, UserId
from broker.domain.revocation import Claim, Notice
from broker.domain.user import UserStatus
from broker.flows.found import Records
from broker.flows.store import Store
from broker.storage.records import LEFT_OUT, RECORDS
from broker.storage.tables import metadata
from tests.fakes.store import MemoryStore
from tests.storage import world as w
from tests.storage.world import NOW

ADA, GRACE = UserId("usr_ada"), UserId("usr_grace")
TABLES = sorted(metadata.tables.values(), key=lambda table: str(table.name))
MENTIONS = {"user_id", "owner"}
UNTOLD = {"holds", "tombstones"}
"""Of Users, and in no archive: they are gone, or may not be told."""


@pytest.mark.parametrize("table", TABLES, ids=lambda table: str(table.name))
def test_every_column_is_told_or_left_out_for_a_reason(table: Table) -> None:
    """So a new table, or a new column of one, has to be given its place."""
    columns = {column.name for column in table.columns}
    left_out = {name.partition(".")[2] for name in LEFT_OUT if name.startswith(f"{table.name}.")}

    if table.name in LEFT_OUT:
        assert (table.name in RECORDS, left_out) == (False, set())
        assert columns & MENTIONS == set() or table.name in UNTOLD, "it speaks of Users"
        assert table.name in UNTOLD or all(key.column.table.name != "users" for key in table.foreign_keys)
    else:
        told = set(RECORDS[str(table.name)].columns)
        assert told | left_out == columns
        assert told & left_out == set()
        assert set(RECORDS[str(table.name)].by) <= told


def test_there_is_no_reason_for_what_is_not_there() -> None:
    """And every reason is a sentence."""
    there = {name for t in TABLES for name in (str(t.name), *(f"{t.name}.{column.name}" for column in t.columns))}

    assert LEFT_OUT.keys() <= there
    assert RECORDS.keys() <= there
    assert all(len(reason.split()) > 1 for reason in LEFT_OUT.values())


def test_nothing_sealed_is_told() -> None:
    """Nor any other bytes."""
    told = [metadata.tables[name].columns[column] for name, of in RECORDS.items() for column in of.columns]

    assert [column for column in told if isinstance(column.type, LargeBinary)] == []


def everything(name: str) -> tuple[Change, ...]:
    """Of this User a row in every table."""
    user_id = UserId(f"usr_{name}")
    event = replace(w.event(), user_id=user_id)
    return (
        *(change for change in w.first_sign_in(name, attempt_number=len(name)) if not isinstance(change, c.Record)),
        c.Record(event=event),
        c.AddSession(session=w.session(name, number=2, began=NOW - 60)),
        c.AddGrant(grant=replace(w.grant(name, number=2, of=2), redeemed_at=NOW, scopes=("openid",))),
        c.PutConsent(consent=w.consent(name)),
        c.Accept(acceptance=w.acceptance(name)),
        c.PutChoice(choice=w.choice("analytics", name)),
        c.PutChoice(choice=w.choice("adverts", name, agreed=False)),
        c.AddPendingRevocation(pending=w.pending(name)),
        c.RevokeGrant(grant_id=w.grant(name, number=2).id, reason="revoked", at=NOW),
        c.EndSession(session_id=SessionId(f"ses_{name}_2"), user_id=user_id, at=NOW),
        c.SetUserStatus(user_id=user_id, status=UserStatus.SUSPENDED, at=NOW + 1),
        c.Record(event=replace(event, at=NOW + 5, action="z")),
        c.Record(event=replace(event, at=NOW + 5, action="a")),
        c.Announce(notice=Notice(claim=Claim.KID, value="key-1", until=NOW + 60)),
    )


@pytest.fixture
async def records(store: Store) -> Records:
    """Ada's, who is not alone."""
    await store.write(
        *w.registered(),
        c.PutApplication(application=replace(w.application("other"), name="Not hers")),
        c.AddAuthorization(authorization=w.authorization("acme", "ada")),
        c.AddAuthorization(authorization=w.authorization("acme", "grace")),
        c.AddDataKey(key=w.system_key()),
        c.Record(event=replace(w.event("apply.PutClientOrg"), user_id=None)),
    )
    await store.write(*everything("grace"))
    await store.write(*everything("ada"))
    return await store.records_of(ADA)


@pytest.mark.anyio
async def test_every_table_is_told_and_nobody_elses_rows(records: Records, store: Store) -> None:
    """The other User has as much, under other ids."""
    of_grace = await store.records_of(GRACE)

    assert records.keys() == of_grace.keys() == RECORDS.keys()
    assert {name: len(rows) for name, rows in records.items()} == {n: len(rows) for n, rows in of_grace.items()}
    assert [name for name, rows in records.items() if not rows] == []
    assert "grace" not in str(records)
    assert "ada" not in str(of_grace)
    assert "Not hers" not in str(records)


@pytest.mark.anyio
async def test_rows_are_told_in_their_order_and_by_their_columns(records: Records) -> None:
    """Lists as lists, yes and no as such, times as numbers."""
    assert records["users"] == [
        {"id": ADA, "status": "suspended", "created_at": NOW, "epoch": 2, "accepted": None, "erase_at": None},
    ]
    assert records["consents"] == [
        {"application_id": "demo-app", "scopes": ["openid", "email"], "given_at": NOW},
    ]
    assert records["applications"] == [{"id": "demo-app", "name": "Demo"}]
    assert records["client_orgs"] == [{"id": "acme", "name": "Acme Inc."}]
    assert [(row["subject"], row["agreed"]) for row in records["choices"]] == [
        ("adverts", False),
        ("analytics", True),
    ]
    assert [row["id"] for row in records["sessions"]] == ["ses_ada_2", "ses_ada_1"]
    assert [row["action"] for row in records["ledger"]] == ["sign_in.finish", "z", "a"]
    assert {(row["claim"], row["value"]) for row in records["revocations"]} == {
        ("jti", "gnt_ada_2"),
        ("sid", "ses_ada_2"),
        ("sub", ADA),
    }


@pytest.mark.anyio
async def test_of_nobody_there_is_nothing(store: Store) -> None:
    """Not even of somebody whose id is the beginning of another's."""
    await store.write(*w.invited(), *w.first_sign_in())
    for user_id in ("usr_nobody", "usr_ad", "", "system"):
        assert set(map(len, (await store.records_of(UserId(user_id))).values())) == {0}


@pytest.mark.anyio
async def test_an_application_that_is_only_allowed_is_named(store: Store) -> None:
    """Also where no Grant of it is remembered."""
    await store.write(*w.registered(), *w.newcomer(), c.PutConsent(consent=w.consent()))
    records = await store.records_of(ADA)

    assert [row["id"] for row in records["applications"]] == [ApplicationId("demo-app")]
    assert records["grants"] == []


@pytest.mark.anyio
async def test_all_stores_tell_the_same(store: Store) -> None:
    """To the letter."""
    memory = MemoryStore()
    for one in (store, memory):
        await one.write(*w.invited(), *everything("ada"))

    told, by_memory = await store.records_of(ADA), await memory.records_of(ADA)
    assert {n: [_but_for_its_place(r) for r in rows] for n, rows in told.items()} == {
        n: [_but_for_its_place(r) for r in rows] for n, rows in by_memory.items()
    }


def _but_for_its_place(row: Mapping[str, object]) -> dict[str, object]:
    """An event's id is the database's own affair."""
    return {name: value for name, value in row.items() if name != "id" or isinstance(value, str)}
