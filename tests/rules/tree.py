"""The project's own files, read once: what the rules are checked against.

Never looks at what was installed, built or left behind.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PRODUCT = ("broker", "providers", "verifier")

# The same as in .gitignore; a rule must hold in an unpacked archive too, where git cannot be asked.
NOT_OURS = {
    ".git",
    ".hypothesis",
    ".import_linter_cache",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    "__pycache__",
    "artefacts",
    "dist",
    "node_modules",
    "var",
}


def files(suffix: str = "", under: str = ".") -> list[Path]:
    """Every file of the project whose name ends with `suffix`, below the folder `under`, in order."""
    return [path for path in _walk(ROOT / under) if path.name.endswith(suffix)]


def product_modules() -> list[Path]:
    """Every Python module that is shipped."""
    return [path for package in PRODUCT for path in files(".py", package)]


def modules_of_tests() -> list[Path]:
    """Every Python module that pytest collects."""
    return [path for path in files(".py", "tests") if path.name.startswith("test_")]


def told(path: Path, line: int | None = None) -> str:
    """Where a rule was broken, as an editor takes it."""
    name = path.relative_to(ROOT).as_posix()
    return name if line is None else f"{name}:{line}"


@cache
def text(path: Path) -> str:
    """A file's text; empty for pictures and other binary files."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


@cache
def tree(path: Path) -> ast.Module:
    """A module's syntax tree."""
    return ast.parse(text(path), filename=str(path))


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """The dotted name and the line of everything that a module imports."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module, node.lineno


def _walk(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path.name in NOT_OURS or path.name.startswith(".venv") or path.is_symlink():
            continue
        if path.is_dir():
            yield from _walk(path)
        else:
            yield path
