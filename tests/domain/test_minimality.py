"""What is wrong with what is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from broker.domain.connection import DAY, Connection, ConnectionStatus, KeptAttribute
from broker.domain.grant import REFRESH_LIFETIME
from broker.domain.ids import ConnectionId, IdentityId
from broker.domain.minimality import NAMED, Finding, Tally, Wrong, of_attributes, of_row, of_tokens, unreadable
from broker.domain.policy import AttributePolicy, Keep
from broker.domain.policy_parse import parse
from broker.domain.stored_shapes import SHAPES
from tests.domain.world import ADA, GOOGLE, NOW

CONNECTION = Connection(
    id=ConnectionId("con_1"),
    user_id=ADA,
    identity_id=IdentityId("idn_1"),
    registration=GOOGLE,
    status=ConnectionStatus.ACTIVE,
    sealed_attributes=b"",
    sealed_tokens=b"",
    granted_scopes=frozenset(),
    generation=1,
    created_at=NOW,
    last_used_at=NOW,
    revoked_at=None,
)
BOOKS = {"actions": ["apply"], "days": 100, "ground": "a law"}
POLICY = parse({"retention": {"sessions": 1, "idle_tokens": 10, "ledger": 20, "by_law": {"books": BOOKS}}}, {})
OPEN = parse({"retention": {"idle_tokens": "unlimited", "ledger": "unlimited"}}, {})
EMAIL = KeptAttribute(name="email", value="ada@acme.example", since=NOW)


def wrong(*kept: KeptAttribute, days: int | None = None) -> list[tuple[Wrong, str]]:
    """What is found of a Connection, of which the policy lets the e-mail address be kept."""
    found = of_attributes(CONNECTION, kept, {"email": Keep(purpose="To write", days=days)}, NOW)
    assert {(one.table, one.column, one.row) for one in found} <= {("connections", "sealed_attributes", "con_1")}
    return [(one.wrong, one.detail) for one in found]


def test_what_the_policy_allows_is_right() -> None:
    """One by one."""
    assert wrong() == wrong(EMAIL) == wrong(EMAIL, days=1) == []


def test_a_value_that_should_not_be_there_is_found() -> None:
    """By its name, never by what it is."""
    assert wrong(EMAIL, replace(EMAIL, name="name")) == [(Wrong.NOT_ALLOWED, "google.name")]
    assert wrong(replace(EMAIL, value="a\nb")) == [(Wrong.MALFORMED, "google.email")]
    assert wrong(replace(EMAIL, since=NOW - DAY), days=1) == [(Wrong.OVER, "google.email")]


@pytest.mark.parametrize(
    ("connection", "policy", "found"),
    [
        (CONNECTION, POLICY, []),
        (replace(CONNECTION, last_used_at=NOW - 11 * DAY + 1), POLICY, []),
        (replace(CONNECTION, last_used_at=NOW - 11 * DAY), POLICY, [(Wrong.OVER, "idle_tokens")]),
        (replace(CONNECTION, last_used_at=0), OPEN, []),
        (replace(CONNECTION, status=ConnectionStatus.REVOKED), OPEN, [(Wrong.NOT_ALLOWED, "revoked")]),
    ],
)
def test_tokens_that_should_be_gone_are_found(connection: Connection, policy: AttributePolicy, found: Any) -> None:
    """Of a Connection that was revoked, or that nobody used."""
    assert [(one.wrong, one.detail) for one in of_tokens(connection, policy, NOW)] == found


SOME_ID = "usr_" + "a" * 26


@pytest.mark.parametrize(
    ("table", "row", "policy", "over"),
    [
        ("sessions", {"auth_time": NOW - REFRESH_LIFETIME - 2 * DAY + 1, "ended_at": None}, POLICY, None),
        ("sessions", {"auth_time": NOW - REFRESH_LIFETIME - 2 * DAY, "ended_at": None}, POLICY, "sessions"),
        ("sessions", {"auth_time": NOW, "ended_at": NOW - 2 * DAY}, POLICY, "sessions"),
        ("ledger", {"at": NOW - 21 * DAY + 1, "action": "refresh"}, POLICY, None),
        ("ledger", {"at": NOW - 21 * DAY, "action": "refresh"}, POLICY, "ledger"),
        ("ledger", {"at": NOW - 21 * DAY, "action": "apply"}, POLICY, None),
        ("ledger", {"at": NOW - 101 * DAY, "action": "apply"}, POLICY, "ledger"),
        ("ledger", {"at": 0, "action": "refresh"}, OPEN, None),
        ("taken_attempts", {"expires_at": NOW - DAY}, POLICY, "expired"),
        ("device_requests", {"expires_at": NOW - DAY + 1}, POLICY, None),
        ("users", {"created_at": 0}, POLICY, None),
    ],
)
def test_a_row_that_should_be_gone_is_found(table: str, row: Any, policy: AttributePolicy, over: str | None) -> None:
    """A day after its time: what clears away does not run every second."""
    found = of_row(table, [], row, policy, NOW)

    assert [one.detail for one in found] == ([] if over is None else [over])
    assert all(one.wrong is Wrong.OVER and one.column in SHAPES[table] for one in found)


def test_a_value_of_another_form_is_found_by_its_column() -> None:
    """Whatever it is."""
    row = {"id": SOME_ID, "status": "ada@acme.example"}

    assert of_row("users", ["id"], row, POLICY, NOW) == [
        Finding(table="users", column="status", row=SOME_ID, wrong=Wrong.MALFORMED)
    ]


def test_a_row_is_not_named_by_what_should_not_be_there() -> None:
    """The report goes to people who are not to read it."""
    row = {"user_id": "ada@acme.example", "application_id": "demo-app"}
    (found,) = of_row("consents", ["user_id", "application_id"], row, POLICY, NOW)

    assert (found.column, found.row) == ("user_id", "?/demo-app")


def test_all_are_counted_and_the_first_ones_named() -> None:
    """So that a report stays readable, and true."""
    tally = Tally()
    tally.add([unreadable(CONNECTION, "sealed_tokens")] * (NAMED + 5))
    tally.add(of_row("users", [], {"status": "é"}, POLICY, NOW))

    assert (len(tally.findings), tally.wrong) == (NAMED, {Wrong.UNREADABLE: NAMED + 5, Wrong.MALFORMED: 1})
