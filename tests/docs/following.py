"""Follows an expression in the product's syntax trees to the texts that it can be.

Through names, choices, loops over tables, and functions that hand a parameter on. Refuses to guess: where the way ends
the answer is None.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from tests.rules.tree import files, tree

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def modules() -> tuple[Path, ...]:
    """The broker without its demo, whose errors and lines are its own."""
    return tuple(path for path in files(".py", "broker") if "demo" not in path.parts)


@cache
def calls(path: Path) -> tuple[tuple[Function | None, ast.Call], ...]:
    """Every call in a module, with the innermost function around it."""
    return tuple(_calls(tree(path)))


class Following:
    """Where a search begins. `handed_on`: attributes that carry what was found elsewhere, such as an error's own code.

    `forms`: what an f-string can come to, by its source.
    """

    def __init__(
        self,
        path: Path,
        function: Function | None,
        *,
        handed_on: frozenset[str] = frozenset(),
        forms: Mapping[str, set[str]] | None = None,
    ) -> None:
        self._path = path
        self._function = function
        self._handed_on = handed_on
        self._forms = forms or {}

    def texts(self, node: ast.expr) -> set[str] | None:
        """What the expression can be; None where that cannot be told."""
        match node:
            case ast.Constant(value=str(value)):
                return {value}
            case ast.IfExp():
                return union(self.texts(node.body), self.texts(node.orelse))
            case ast.Attribute(attr=attr) if attr in self._handed_on:
                return set()
            case ast.JoinedStr():
                return self._forms.get(ast.unparse(node))
            case ast.Call(func=ast.Attribute(attr="get", value=ast.Name(id=name)), args=[_, default]):
                return union(_values(_constant(self._path, name)), self.texts(default))
            case ast.Name(id=name):
                return self._named(name)
        return None

    def _named(self, name: str) -> set[str] | None:
        if self._function is not None:
            given = self._function.args
            parameters = [argument.arg for argument in (*given.args, *given.kwonlyargs)]
            if name in parameters:
                return self._handed_in(self._function, name, parameters.index(name))
            assigned = [
                node.value
                for node in ast.walk(self._function)
                if isinstance(node, ast.Assign) and name in [ast.unparse(target) for target in node.targets]
            ]
            if assigned:
                return union(*(self.texts(value) for value in assigned))
            for node in ast.walk(self._function):
                if isinstance(node, ast.For) and isinstance(node.target, ast.Tuple):
                    in_loop = [ast.unparse(element) for element in node.target.elts]
                    if name in in_loop:
                        return _column(_constant(self._path, ast.unparse(node.iter)), in_loop.index(name))
        for path in (self._path, *modules()):
            constant = _constant(path, name)
            if isinstance(constant, ast.Constant) and isinstance(constant.value, str):
                return {constant.value}
        return None

    def _handed_in(self, function: Function, name: str, position: int) -> set[str] | None:
        """What callers of `function` hand in as this parameter; its default where they do not."""
        found: list[set[str] | None] = []
        for path in (self._path,) if function.name.startswith("_") else modules():
            for around, call in calls(path):
                if isinstance(call.func, ast.Name) and call.func.id == function.name:
                    value = argument(call, name, position) or _default(function, name)
                    there = Following(path, around, handed_on=self._handed_on, forms=self._forms)
                    found.append(None if value is None else there.texts(value))
        return union(*found) if found else None


def argument(call: ast.Call, name: str, position: int) -> ast.expr | None:
    """What a call passes under a name, or at a position."""
    named = next((keyword.value for keyword in call.keywords if keyword.arg == name), None)
    return named or (call.args[position] if position < len(call.args) else None)


def union(*several: set[str] | None) -> set[str] | None:
    """All of them together; None as soon as one is."""
    together: set[str] = set()
    for one in several:
        if one is None:
            return None
        together |= one
    return together


def _calls(module: ast.Module) -> Iterator[tuple[Function | None, ast.Call]]:
    stack: list[tuple[ast.AST, Function | None]] = [(module, None)]
    while stack:
        node, function = stack.pop()
        if isinstance(node, ast.Call):
            yield function, node
        inside = node if isinstance(node, Function) else function
        stack += [(child, inside) for child in ast.iter_child_nodes(node)]


def _default(function: Function, name: str) -> ast.expr | None:
    for parameter, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
        if parameter.arg == name:
            return default
    return None


def _constant(path: Path, name: str) -> ast.expr | None:
    for node in tree(path).body:
        if isinstance(node, ast.Assign) and name in [ast.unparse(target) for target in node.targets]:
            return node.value
        if isinstance(node, ast.AnnAssign) and name == ast.unparse(node.target):
            return node.value
    return None


def _values(constant: ast.expr | None) -> set[str] | None:
    if not isinstance(constant, ast.Dict):
        return None
    return {str(value.value) for value in constant.values if isinstance(value, ast.Constant)}


def _column(constant: ast.expr | None, position: int) -> set[str] | None:
    if not isinstance(constant, ast.Tuple):
        return None
    cells = [row.elts[position] for row in constant.elts if isinstance(row, ast.Tuple)]
    return {str(cell.value) for cell in cells if isinstance(cell, ast.Constant)}
