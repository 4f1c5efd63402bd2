"""Owns reading those tables of a policy document that are about no single attribute.

Refuses unknown keys and numbers out of range, and names every problem.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from broker.domain.erasure import ErasureRules
from broker.domain.ledger_rules import LedgerRules
from broker.domain.legal_document import NOTHING_ASKED, DocumentRefused, Documents, LegalDocument, read
from broker.domain.retention import LawfulKeeping, RetentionRules

LONGEST_DAYS = 36500


def parse_rules(document: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    """Each table that is there, under its name; the rest goes without saying."""
    return {name: rule(_Table(name, document[name], problems)) for name, rule in RULES.items() if name in document}


class _Table:
    """One table; what is wrong with it goes to `problems`, and reading goes on with the default."""

    def __init__(self, name: str, body: Any, problems: list[str]) -> None:
        self.name = name
        self.problems = problems
        self.body: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
        if not isinstance(body, Mapping):
            problems.append(f"[{name}]: must be a table")

    def only(self, *keys: str) -> None:
        """Nothing else may be in it."""
        for key in self.body:
            if key not in keys:
                self.say(key, f"unknown; there are {', '.join(keys)}")

    def days(self, key: str, default: int | None, *, least: int = 1) -> int | None:
        """A number of days. "unlimited" is None, where that is what goes without saying or might."""
        value = self.body.get(key, default)
        if value is None or value == "unlimited":
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= LONGEST_DAYS:
            self.say(key, f"must be a number of days from {least} to {LONGEST_DAYS}")
            return default
        return value

    def bounded(self, key: str, default: int, *, least: int = 1) -> int:
        """As `days`, where an end has to be set."""
        if self.body.get(key) == "unlimited":
            self.say(key, f"must be a number of days from {least} to {LONGEST_DAYS}")
            return default
        return self.days(key, default, least=least) or 0

    def say(self, key: str, problem: str) -> None:
        self.problems.append(f"[{self.name}] {key}: {problem}")


def _documents(table: _Table) -> Documents:
    table.only("ask", "grace_days", "privacy", "terms")
    asked = table.body.get("ask", True)
    if not isinstance(asked, bool):
        table.say("ask", "must be true or false")
    return Documents(
        asked=asked is True,
        grace_days=table.bounded("grace_days", NOTHING_ASKED.grace_days, least=0),
        privacy=_document(table, "privacy"),
        terms=_document(table, "terms"),
    )


def _document(table: _Table, kind: str) -> LegalDocument | None:
    body = table.body.get(kind)
    revised = body.get("revised") if isinstance(body, Mapping) else None
    if not isinstance(body, Mapping) or body.keys() != {"text", "revised"} or not isinstance(body["text"], str):
        table.say(kind, "must have file and revised, and nothing else")
    elif not isinstance(revised, int) or isinstance(revised, bool):
        table.say(kind, "revised must be a date such as 2026-01-31")
    else:
        try:
            return read(body["text"], revised)
        except DocumentRefused as refused:
            table.say(kind, str(refused))
    return None


def _retention(table: _Table) -> RetentionRules:
    table.only("sessions", "idle_tokens", "idle_users", "ledger", "by_law")
    default = RetentionRules()
    by_law = table.body.get("by_law", {})
    if not isinstance(by_law, Mapping):
        table.say("by_law", "must be a table of classes")
        by_law = {}
    return RetentionRules(
        sessions=table.bounded("sessions", default.sessions),
        idle_tokens=table.days("idle_tokens", default.idle_tokens),
        idle_users=table.days("idle_users", default.idle_users),
        ledger=table.days("ledger", default.ledger),
        by_law={
            name: _lawful(_Table(f"retention.by_law.{name}", body, table.problems)) for name, body in by_law.items()
        },
    )


def _lawful(table: _Table) -> LawfulKeeping:
    table.only("actions", "days", "ground")
    actions, ground = table.body.get("actions"), table.body.get("ground")
    if not isinstance(actions, list) or not actions or not all(isinstance(a, str) and a for a in actions):
        table.say("actions", "must be a list of the ledger's actions")
        actions = []
    if not isinstance(ground, str) or not ground.strip():
        table.say("ground", "must name the law, in a sentence")
        ground = ""
    if "days" not in table.body:
        table.say("days", "is missing")
    return LawfulKeeping(actions=frozenset(actions), days=table.bounded("days", 1), ground=ground.strip())


def _erasure(table: _Table) -> ErasureRules:
    table.only("grace_days")
    return ErasureRules(grace_days=table.bounded("grace_days", ErasureRules().grace_days, least=0))


def _ledger(table: _Table) -> LedgerRules:
    table.only("address")
    if table.body.get("address", "none") not in ("none", "shortened"):
        table.say("address", "must be none or shortened")
    return LedgerRules(address="shortened" if table.body.get("address") == "shortened" else "none")


RULES: Mapping[str, Callable[[_Table], object]] = {
    "documents": _documents,
    "retention": _retention,
    "erasure": _erasure,
    "ledger": _ledger,
}
"""Table of the policy -> how it is read."""
