"""What the tests of every flow begin with."""

from __future__ import annotations

import pytest

from tests.flows.world import World, open_world


@pytest.fixture
async def world() -> World:
    """A broker of one's own, with nobody in it."""
    return await open_world()
