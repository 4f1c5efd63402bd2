"""What the process that serves does beside answering."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette

from broker.web.serving import server

pytestmark = pytest.mark.anyio


class Knot:
    """What only a full collection frees: it holds itself."""

    def __init__(self) -> None:
        self.held = self


@pytest.fixture
def _no_other_collection() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_other_collection")
async def test_what_is_kept_for_reuse_is_given_back_every_ten_seconds() -> None:
    """A tick is a tenth of a second."""
    serving = server(Starlette())
    serving.config.load()
    knot = weakref.ref(Knot())

    await serving.on_tick(99)
    assert knot() is not None

    await serving.on_tick(100)
    assert knot() is None
