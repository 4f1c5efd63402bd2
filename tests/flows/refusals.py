"""Expects a flow to say no, with one code and no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest

from broker.domain.errors import BrokerError

Error = TypeVar("Error", bound=BrokerError)


@contextmanager
def refusal(kind: type[Error], code: str) -> Iterator[pytest.ExceptionInfo[Error]]:
    """Exactly this kind of error, and none derived from it, with this code."""
    with pytest.raises(kind) as caught:
        yield caught
    assert (type(caught.value), caught.value.code) == (kind, code)
