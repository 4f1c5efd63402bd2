"""What all nouns have in common."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import broker.domain

MODULES = sorted(info.name for info in pkgutil.iter_modules(broker.domain.__path__))


@pytest.mark.parametrize("name", MODULES)
def test_every_noun_is_frozen_and_keyword_only(name: str) -> None:
    """A value is not changed, and no two of its parts are confused by their order."""
    module = importlib.import_module(f"broker.domain.{name}")
    nouns = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and value.__module__ == module.__name__ and dataclasses.is_dataclass(value)
    ]

    assert all(noun.__setattr__ is not object.__setattr__ for noun in nouns)
    assert all(field.kw_only for noun in nouns for field in dataclasses.fields(noun))
    assert all("__slots__" in vars(noun) for noun in nouns)


def test_every_module_has_its_tests() -> None:
    """tests/domain mirrors broker/domain."""
    here = Path(__file__).parent

    assert [name for name in MODULES if not (here / f"test_{name}.py").is_file()] == []
