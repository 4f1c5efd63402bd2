"""The writes, as values."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import typing

from broker.domain import changes

DEFINED = {
    value
    for module in pkgutil.iter_modules(changes.__path__)
    for value in vars(importlib.import_module(f"{changes.__name__}.{module.name}")).values()
    if inspect.isclass(value) and value.__module__ == f"{changes.__name__}.{module.name}"
}


def test_every_write_is_a_change() -> None:
    """A store that handles all of `Change` handles every write there is."""
    assert set(typing.get_args(changes.Change)) == DEFINED
