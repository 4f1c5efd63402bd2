"""Collects, from the product's syntax trees, what it writes to its log and its ledger."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from broker.domain.attempt import Purpose
from tests.docs.following import Following, calls, modules
from tests.rules.tree import ROOT, text, told, tree

LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One call of a logger: JSON with `fields` where it is structlog's, else text."""

    event: str
    level: str
    fields: frozenset[str]
    is_json: bool


def lines() -> Iterator[Line]:
    """Every line that the broker itself can log."""
    for path in modules():
        made = [n.value for n in tree(path).body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "_log"]
        for _, call in calls(path):
            match call:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="_log"), attr=level),
                    args=[ast.Constant(value=str(message)), *_],
                ) if level in LEVELS:
                    yield Line(
                        event=re.split(r" \w+=|: ", message)[0],
                        level=level,
                        fields=frozenset(keyword.arg or "" for keyword in call.keywords),
                        is_json="structlog" in ast.unparse(made[0]),
                    )


def events(name: str) -> tuple[set[str], list[str]]:
    """What a field of a line in the ledger can be where it is written out, and the places that could not be followed.

    The action and the reason of a refusal are handed in: the route's name, and the error's code.
    """
    found: set[str] = set()
    lost: list[str] = []
    for path in modules():
        if path in (ROOT / "broker/flows/ledger/record_refusal.py", ROOT / "broker/storage/system_rows.py"):
            continue
        for function, call in calls(path):
            if ast.unparse(call.func) == "AuditEvent":
                node = next((keyword.value for keyword in call.keywords if keyword.arg == name), None)
                follow = Following(path, function, handed_on=frozenset({"value", "refused"}), forms=_forms())
                texts = {""} if node is None else follow.texts(node)
                found |= texts or set()
                lost += [f"{told(path, call.lineno)}: {name}"] if texts is None else []
    if name == "action":  # the one line that is a statement's, and no flow's
        found |= set(re.findall(r"""action=literal_column\("'([a-z.]+)'"\)""", text(ROOT / "broker/storage/upkeep.py")))
    return found - {""}, lost


def _forms() -> dict[str, set[str]]:
    """What the texts with a place in them come to."""
    applied = {
        f"apply.{ast.unparse(call.func)}"
        for _, call in calls(ROOT / "broker/flows/clients/apply.py")
        if re.match(r"(Put|Add|Set|Remove)[A-Z]", ast.unparse(call.func))
    }
    return {
        "f'{attempt.purpose}.finish'": {f"{purpose}.finish" for purpose in Purpose},
        "f'{attempt.purpose}.accept'": {f"{purpose}.accept" for purpose in Purpose},
        "f'{attempt.purpose}.decline'": {f"{purpose}.decline" for purpose in Purpose},
        "f'apply.{type(d.change).__name__}'": applied,
        # The names are those of the Providers' attributes, and told in its row.
        "f\"{len(gone)}:{','.join(gone)}\"": set(),
        "f\"{sum(destroyed.values())}:{','.join(destroyed)}\"": set(),
        "f'1:{attribute}'": set(),
        # How many of each, told in its row.
        "f'{len(ids)}:{grants}'": set(),
    }
