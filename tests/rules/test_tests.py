"""How tests are written: they read as sentences, and nothing in them is pretended or left out."""

from __future__ import annotations

import ast
import re

from tests.rules.tree import files, modules_of_tests, text, told, tree

# Written so that it does not match itself.
PRETENCE = re.compile(r"Magic[M]ock|unittest[.]mock|mock[e]r[.]|monkeypatch[.]seta[t]tr|@pat[c]h\b")
LEFT_OUT = re.compile(r"pytest[.]ski[p]\(|mark[.]ski[p]|mark[.]xfai[l]|pytest[.]xfai[l]|importorski[p]")
MAY_LEAVE_OUT = "tests/servers/node.py"  # where Node is missing on a developer's machine


def test_every_test_says_what_it_proves() -> None:
    """One sentence, which a person reads when it fails."""
    silent = [
        told(path, node.lineno)
        for path in modules_of_tests()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]

    assert silent == []


def test_nothing_is_pretended() -> None:
    """A fake is a real implementation which passes the same contract."""
    assert [told(path) for path in files(".py", "tests") if PRETENCE.search(text(path))] == []


def test_nothing_is_left_out() -> None:
    """A test that cannot run here fails here."""
    leaving = [told(path) for path in files(".py", "tests") if LEFT_OUT.search(text(path))]

    assert [name for name in leaving if name != MAY_LEAVE_OUT] == []
