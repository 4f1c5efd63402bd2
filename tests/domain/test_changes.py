"""The writes, as values."""

from __future__ import annotations

import inspect
import typing

from broker.domain import changes

DEFINED = {value for value in vars(changes).values() if inspect.isclass(value) and value.__module__ == changes.__name__}


def test_every_write_is_a_change() -> None:
    """A store that handles all of `Change` handles every write there is."""
    assert set(typing.get_args(changes.Change)) == DEFINED
