"""What may stand in any file of the project, whatever its kind."""

from __future__ import annotations

import re

from tests.rules.tree import files, product_modules, text, told

# Written so that they do not match themselves.
REGISTRIES = re.compile(r"py[p]i\.org|pythonh[o]sted|registry\.np[m]js|np[m]js\.(org|com)|deb\.deb[i]an|ya[r]npkg\.com")
MACHINE_PATHS = re.compile(r"(?<![\w.-])/(wor[k]|roo[t]|tm[p]/team|home/[a-z]+)/")
LEFT_TO_DO = re.compile(r"\b(TO[D]O|FIX[M]E|XX[X])\b")
LONGEST_MODULE = 300  # lines; what can be read at one sitting


def _found(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{told(path, number)}: {line.strip()}"
        for path in files()
        for number, line in enumerate(text(path).splitlines(), start=1)
        if pattern.search(line)
    ]


def test_no_file_names_a_package_registry() -> None:
    """Where packages come from is a matter of the machine that fetches them."""
    assert _found(REGISTRIES) == []


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    """A clone works wherever it lies."""
    assert _found(MACHINE_PATHS) == []


def test_nothing_is_left_to_do() -> None:
    """What is not done stands in the issues, where it is seen."""
    assert _found(LEFT_TO_DO) == []


def test_no_lock_file_carries_addresses() -> None:
    """The lock files are requirements*.lock: names, versions and hashes alone."""
    assert [told(path) for path in files() if path.name == "uv.lock" or path.name.startswith("pylock")] == []


def test_every_locked_package_has_a_hash() -> None:
    """Nothing can be installed that was not looked at."""
    for lock in files(".lock"):
        locked = re.findall(r"^([\w.-]+==[^;\s]+).*\\\n(.*)$", text(lock), re.MULTILINE)

        assert locked, told(lock)
        assert [name for name, following in locked if "--hash=sha256:" not in following] == []
        assert len(locked) == len(re.findall("^[a-z0-9]", text(lock), re.MULTILINE)), told(lock)


def test_no_module_is_too_long_to_be_read_at_one_sitting() -> None:
    """About 200 lines is good, 300 the limit."""
    lengths = {told(path): len(text(path).splitlines()) for path in product_modules()}

    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_MODULE} == {}
