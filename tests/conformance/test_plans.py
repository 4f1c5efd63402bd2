"""The table and the tests are one: each module has its test, or a sentence why not."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

from tests.conformance.plans import HERE, PLANS, Covered, NotHere, Plan, name_of_test
from tests.rules.tree import files, tree


def functions_here() -> Counter[str]:
    """The names of the tests of this folder which pytest collects, these excepted, and how often each is there."""
    modules = [p for p in files(".py", "tests/conformance") if p.name.startswith("test_") and p != Path(__file__)]
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    return Counter(node.name for p in modules for node in tree(p).body if isinstance(node, functions))


def test_every_covered_module_has_the_test_of_its_name() -> None:
    """Once; and there is no test that stands for no module, or for one that does not apply."""
    found = {name: times for name, times in functions_here().items() if name.startswith("test_")}
    wanted = [name_of_test(m) for plan in PLANS for m, stands in plan.modules.items() if isinstance(stands, Covered)]

    assert found == Counter(wanted)


def test_what_does_not_apply_says_why() -> None:
    """In a sentence; and a note is one, too."""
    for plan in PLANS:
        for module, stands in plan.modules.items():
            said = stands.why if isinstance(stands, NotHere) else stands.note or "Covered."
            assert said[0].isupper() and said.endswith("."), module


def test_no_module_is_in_two_plans() -> None:
    """So that each name means one test."""
    assert [m for m, times in Counter(m for plan in PLANS for m in plan.modules).items() if times > 1] == []


def test_the_line_counts_what_is_covered() -> None:
    """Of all modules of the plan, whether they apply or not."""
    plan = Plan(name="OP", suite="op-plan", told="", modules={"a": HERE, "b": NotHere(why="No."), "c": HERE})

    assert plan.line == "OP: 2 of 3 covered"
