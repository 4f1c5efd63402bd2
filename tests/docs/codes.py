"""Collects, from the product's syntax trees, the code of every error that it can make.

Follows names, choices and forwarding functions. What it cannot follow it tells, so that nothing is missed in silence.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.rules.tree import files, told, tree

ROOT_CLASS = "BrokerError"
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(kw_only=True)
class Found:
    """Class of error -> its codes, and the places that could not be followed."""

    codes: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    lost: list[str] = field(default_factory=list)


def modules() -> list[Path]:
    """The broker without its demo, whose errors are its own."""
    return [path for path in files(".py", "broker") if "demo" not in path.parts]


def error_classes() -> dict[str, str]:
    """Each error class -> the one it is derived from, the root's own included."""
    derived = {
        node.name: base.id
        for path in modules()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef)
        for base in node.bases
        if isinstance(base, ast.Name)
    }
    return {name: base for name, base in derived.items() if ROOT_CLASS in _line(name, derived)}


def collect() -> Found:
    """Every code."""
    classes = error_classes()
    found = Found()
    for path in modules():
        for function, call in _calls(tree(path)):
            made = _made(call, function, path, classes)
            if made is not None and call.args:
                codes = _Search(path, function).codes(call.args[0])
                if codes is None:
                    found.lost.append(f"{told(path, call.lineno)}: {ast.unparse(call.args[0])}")
                else:
                    found.codes[made] |= codes
    return found


def _line(name: str, derived: dict[str, str]) -> list[str]:
    line = [name]
    while line[-1] in derived and len(line) < 10:
        line.append(derived[line[-1]])
    return line


def _calls(module: ast.Module) -> Iterator[tuple[Function | None, ast.Call]]:
    """Every call, with the innermost function around it."""
    stack: list[tuple[ast.AST, Function | None]] = [(module, None)]
    while stack:
        node, function = stack.pop()
        if isinstance(node, ast.Call):
            yield function, node
        inside = node if isinstance(node, Function) else function
        stack += [(child, inside) for child in ast.iter_child_nodes(node)]


def _made(call: ast.Call, function: Function | None, path: Path, classes: dict[str, str]) -> str | None:
    """The class of error that a call makes with a code of its own as first argument."""
    name = call.func.id if isinstance(call.func, ast.Name) else None
    if name in classes or name == ROOT_CLASS:
        return name if _takes_code(str(name), classes) else None
    if ast.unparse(call.func) == "super().__init__" and function is not None:
        owner = next((n for n in ast.walk(tree(path)) if isinstance(n, ast.ClassDef) and function in n.body), None)
        if owner is not None and owner.name in classes and not _takes_code(owner.name, classes):
            return owner.name
    return None


def _takes_code(name: str, classes: dict[str, str]) -> bool:
    for one in _line(name, classes):
        for node in (n for path in modules() for n in ast.walk(tree(path))):
            if isinstance(node, ast.ClassDef) and node.name == one:
                makers = [n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"]
                if makers:
                    return [a.arg for a in makers[0].args.args[1:2]] == ["code"]
    return False


class _Search:
    """Follows one expression in one function of one module."""

    def __init__(self, path: Path, function: Function | None) -> None:
        self._path = path
        self._function = function

    def codes(self, node: ast.expr) -> set[str] | None:
        """What the expression can be; None where that cannot be told."""
        match node:
            case ast.Constant(value=str(value)):
                return {value}
            case ast.IfExp():
                return _union(self.codes(node.body), self.codes(node.orelse))
            case ast.Attribute(attr="code"):  # the code of another error, which was collected where that was made
                return set()
            case ast.Call(func=ast.Attribute(attr="get", value=ast.Name(id=name)), args=[_, default]):
                return _union(_values(_constant(self._path, name)), self.codes(default))
            case ast.Name(id=name):
                return self._named(name)
        return None

    def _named(self, name: str) -> set[str] | None:
        function = self._function
        if function is not None:
            parameters = [argument.arg for argument in function.args.args]
            if name in parameters:
                return _forwarded(function, parameters.index(name))
            for node in ast.walk(function):
                if isinstance(node, ast.Assign) and name in [ast.unparse(target) for target in node.targets]:
                    return self.codes(node.value)
                if isinstance(node, ast.For) and isinstance(node.target, ast.Tuple):
                    in_loop = [ast.unparse(element) for element in node.target.elts]
                    if name in in_loop:
                        return _column(_constant(self._path, ast.unparse(node.iter)), in_loop.index(name))
        for path in [self._path, *modules()]:
            constant = _constant(path, name)
            if isinstance(constant, ast.Constant) and isinstance(constant.value, str):
                return {constant.value}
        return None


def _forwarded(function: Function, position: int) -> set[str] | None:
    """What callers of `function` pass at `position`."""
    collected: set[str] | None = set()
    for path in modules():
        for around, call in _calls(tree(path)):
            if isinstance(call.func, ast.Name) and call.func.id == function.name and len(call.args) > position:
                collected = _union(collected, _Search(path, around).codes(call.args[position]))
    return collected or None


def _constant(path: Path, name: str) -> ast.expr | None:
    for node in tree(path).body:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        if isinstance(node, ast.Assign | ast.AnnAssign) and name in [ast.unparse(target) for target in targets]:
            return node.value
    return None


def _values(constant: ast.expr | None) -> set[str] | None:
    if not isinstance(constant, ast.Dict):
        return None
    return {value.value for value in constant.values if isinstance(value, ast.Constant)}


def _column(constant: ast.expr | None, position: int) -> set[str] | None:
    if not isinstance(constant, ast.Tuple):
        return None
    cells = [row.elts[position] for row in constant.elts if isinstance(row, ast.Tuple)]
    return {cell.value for cell in cells if isinstance(cell, ast.Constant)}


def _union(one: set[str] | None, other: set[str] | None) -> set[str] | None:
    return None if one is None or other is None else one | other
