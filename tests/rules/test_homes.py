"""Where third-party libraries live, beyond what import-linter can say."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from tests.rules.tree import PRODUCT, ROOT, files, imports, product_modules, told

# What reads a clock, draws a number, or reaches out of the process.
IMPURE = {
    "asyncio", "datetime", "http", "io", "logging", "multiprocessing", "os", "pathlib", "random", "secrets",
    "shutil", "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "uuid",
}  # fmt: skip


def _root(name: str) -> str:
    return name.split(".", maxsplit=1)[0]


def _contracts() -> set[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    return {library for contract in contracts for library in contract.get("forbidden_modules", [])}


def _third_party(modules: list[Path]) -> dict[str, str]:
    ours = sys.stdlib_module_names | set(PRODUCT)
    return {
        _root(name): told(path, line) for path in modules for name, line in imports(path) if _root(name) not in ours
    }


def test_every_library_has_a_home() -> None:
    """A new dependency comes with a contract in pyproject.toml that says who may import it."""
    homeless = {name: place for name, place in _third_party(product_modules()).items() if name not in _contracts()}

    assert homeless == {}


@pytest.mark.parametrize("package", ["broker/domain", "broker/flows", "providers"])
def test_the_core_needs_no_library(package: str) -> None:
    """Rules and steps are written in the standard library's Python."""
    assert _third_party(files(".py", package)) == {}


def test_the_domain_is_pure() -> None:
    """No input or output, no clock, no randomness: what it needs of those is passed in."""
    impure = [
        told(path, line)
        for path in files(".py", "broker/domain")
        for name, line in imports(path)
        if _root(name) in IMPURE
    ]

    assert impure == []
