"""Owns what is wrong with what is kept: values that the policy does not allow, that are over, or that do not open.

Refuses values: a finding names the row, the column and what is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from broker.domain.connection import DAY, Connection, ConnectionStatus, KeptAttribute
from broker.domain.grant import REFRESH_LIFETIME
from broker.domain.policy import AttributePolicy, Keep, is_a_value
from broker.domain.stored_shapes import misfits

NAMED = 1000
"""Findings that a report names one by one; all are counted."""


class Wrong(StrEnum):
    """What is wrong with a value."""

    NOT_ALLOWED = "not_allowed"
    MALFORMED = "malformed"
    OVER = "over"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A value that should not be there. `row`: its key; `detail`: which attribute, or which rule it is over by."""

    table: str
    column: str
    row: str
    wrong: Wrong
    detail: str = ""


class Tally:
    """What was read so far. `attributes`: how many of each are kept, by registration and name; `held`: values
    that only a legal hold keeps."""

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        self.columns: dict[str, int] = {}
        self.values = 0
        self.opened = 0
        self.held = 0
        self.attributes: Counter[str] = Counter()
        self.wrong: Counter[Wrong] = Counter()
        self.findings: list[Finding] = []

    def add(self, findings: Iterable[Finding], *, held: bool = False) -> None:
        """Count them all, and keep the first ones. What would have gone by now may stay of whoever is `held`."""
        for finding in findings:
            if held and finding.wrong in (Wrong.NOT_ALLOWED, Wrong.OVER):
                self.held += 1
                continue
            self.wrong[finding.wrong] += 1
            if len(self.findings) < NAMED:
                self.findings.append(finding)


def of_attributes(
    connection: Connection, kept: Iterable[KeptAttribute], allowed: Mapping[str, Keep], now: int
) -> list[Finding]:
    """What of a Connection's kept attributes should not be there."""

    def finding(attribute: KeptAttribute, wrong: Wrong) -> Finding:
        detail = f"{connection.registration}.{attribute.name}"
        return Finding(table="connections", column="sealed_attributes", row=connection.id, wrong=wrong, detail=detail)

    found: list[Finding] = []
    for attribute in kept:
        if attribute.name not in allowed:
            found.append(finding(attribute, Wrong.NOT_ALLOWED))
        elif not is_a_value(attribute.value):
            found.append(finding(attribute, Wrong.MALFORMED))
        elif attribute.is_over(allowed[attribute.name], now):
            found.append(finding(attribute, Wrong.OVER))
    return found


def unreadable(connection: Connection, column: str) -> Finding:
    """What is sealed there does not open."""
    return Finding(table="connections", column=column, row=connection.id, wrong=Wrong.UNREADABLE)


def of_tokens(connection: Connection, policy: AttributePolicy, now: int) -> list[Finding]:
    """Whether a Provider's tokens should be gone: of a Connection that nobody has, or has used for too long."""
    place = {"table": "connections", "column": "sealed_tokens", "row": connection.id}
    if connection.status is ConnectionStatus.REVOKED:
        return [Finding(**place, wrong=Wrong.NOT_ALLOWED, detail="revoked")]
    days = policy.retention.idle_tokens
    if days is not None and now >= connection.last_used_at + (days + 1) * DAY:
        return [Finding(**place, wrong=Wrong.OVER, detail="idle_tokens")]
    return []


def of_row(table: str, key: Sequence[str], row: Mapping[str, Any], policy: AttributePolicy, now: int) -> list[Finding]:
    """What of a row has another form than belongs there, or is over. A day's grace: what clears away runs seldom.

    `key`: the columns by which the row is named, unless it is one of these that should not be there.
    """
    wrong = misfits(table, row)
    name = "/".join("?" if column in wrong else str(row[column]) for column in key)
    found = [Finding(table=table, column=column, row=name, wrong=Wrong.MALFORMED) for column in wrong]
    if not found and (kept_as := _over(table, row, policy, now)) is not None:
        column, detail = kept_as
        found.append(Finding(table=table, column=column, row=name, wrong=Wrong.OVER, detail=detail))
    return found


def _over(table: str, row: Mapping[str, Any], policy: AttributePolicy, now: int) -> tuple[str, str] | None:
    """The column whose time has passed, and the rule's name."""
    retention = policy.retention
    match table:
        case "sessions":
            ended = row["ended_at"] or row["auth_time"] + REFRESH_LIFETIME
            return ("ended_at", "sessions") if _passed(ended, retention.sessions, now) else None
        case "ledger":
            days = retention.ledger_days(row["action"])
            return ("at", "ledger") if days is not None and _passed(row["at"], days, now) else None
        case "taken_attempts" | "device_requests":
            return ("expires_at", "expired") if _passed(row["expires_at"], 0, now) else None
        case _:
            return None


def _passed(since: int, days: int, now: int) -> bool:
    return now >= since + (days + 1) * DAY
