"""Collects, from the product's syntax trees, the code of every error that it can make.

What it cannot follow it tells, so that nothing is missed in silence.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.docs.following import Following, Function, argument, calls, modules
from tests.rules.tree import told, tree

ROOT_CLASS = "BrokerError"
HANDED_ON = frozenset({"code"})  # that of another error, which was collected where that one was made


@dataclass(kw_only=True)
class Found:
    """Class of error -> its codes, and the places that could not be followed."""

    codes: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    lost: list[str] = field(default_factory=list)

    @property
    def every(self) -> set[str]:
        """All codes."""
        return set().union(*self.codes.values())


@cache
def error_classes() -> dict[str, ast.ClassDef]:
    """Every class of errors, by name."""
    defined = {node.name: node for path in modules() for node in ast.walk(tree(path)) if isinstance(node, ast.ClassDef)}
    return {name: node for name, node in defined.items() if ROOT_CLASS in _line(name, defined)}


@cache
def collect() -> Found:
    """Every code."""
    found = Found()
    for path in modules():
        for function, call in calls(path):
            made = _made(call, function, path)
            code = None if made is None else argument(call, "code", 0)
            if made is None or code is None:
                continue
            texts = Following(path, function, handed_on=HANDED_ON).texts(code)
            if texts is None:
                found.lost.append(f"{told(path, call.lineno)}: {ast.unparse(code)}")
            else:
                found.codes[made] |= texts
    return found


def _line(name: str, defined: dict[str, ast.ClassDef]) -> list[str]:
    """A class and those it is derived from, as far as they are our own."""
    line = [name]
    while line[-1] in defined and defined[line[-1]].bases and len(line) < 10:
        line.append(ast.unparse(defined[line[-1]].bases[0]))
    return line


def _made(call: ast.Call, function: Function | None, path: Path) -> str | None:
    """The class of error that a call makes with a code among its own arguments."""
    name = ast.unparse(call.func)
    if name in error_classes():
        return name if _takes_code(name) else None
    if name == "super().__init__":
        owners = [owner for owner in error_classes().values() if function in owner.body and owner in _classes(path)]
        return next((owner.name for owner in owners if not _takes_code(owner.name)), None)
    return None


def _classes(path: Path) -> Iterator[ast.ClassDef]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.ClassDef))


@cache
def _takes_code(name: str) -> bool:
    """Whether its maker is given the code, or writes one of its own."""
    for one in _line(name, error_classes()):
        for node in error_classes()[one].body if one in error_classes() else ():
            if isinstance(node, ast.FunctionDef) and node.name == "__init__":
                return [parameter.arg for parameter in node.args.args[1:2]] == ["code"]
    return False
