"""What the shipped code may not do, whoever writes it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.rules.tree import product_modules, told, tree

# Words that say nothing, or too much: the design's vocabulary has better ones.
EMPTY_NAMES = {"auth", "base", "client", "common", "helpers", "manager", "misc", "util", "utils"}

# Switches of aiohttp, authlib, httpx, PyJWT and ssl. Claims are another matter: our own code checks them by its clock.
CHECKS = {"check_hostname", "ssl", "verify", "verify_hostname", "verify_signature", "verify_ssl"}


def _nodes() -> Iterator[tuple[Path, ast.AST]]:
    for path in product_modules():
        for node in ast.walk(tree(path)):
            yield path, node


def _is_false(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def test_every_module_says_what_it_owns() -> None:
    """The docstring's first line is read before the code."""
    assert [told(path) for path in product_modules() if not ast.get_docstring(tree(path))] == []


def test_no_module_is_named_with_an_empty_word() -> None:
    """A name says what is in it."""
    named = [path for path in product_modules() if EMPTY_NAMES & {path.stem, path.parent.name}]

    assert [told(path) for path in named] == []


def test_no_assert_guards_anything() -> None:
    """`python -O` leaves asserts out."""
    assert [told(path, node.lineno) for path, node in _nodes() if isinstance(node, ast.Assert)] == []


def test_no_check_of_a_certificate_or_a_signature_is_switched_off() -> None:
    """Neither by an argument nor in a dict of options, not even in the demo."""
    switched_off = []
    for path, node in _nodes():
        if isinstance(node, ast.keyword) and node.arg in CHECKS and _is_false(node.value):
            switched_off.append(told(path, node.lineno))
        if isinstance(node, ast.Dict):
            switched_off += [
                told(path, value.lineno)
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant) and key.value in CHECKS and _is_false(value)
            ]
        if isinstance(node, ast.Attribute) and node.attr in {"CERT_NONE", "_create_unverified_context"}:
            switched_off.append(told(path, node.lineno))

    assert switched_off == []
