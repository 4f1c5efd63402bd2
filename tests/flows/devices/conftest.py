"""Applications for devices are declared, and Ada has a television."""

from __future__ import annotations

import pytest

from tests.flows.devices.tv import Tv, declare_devices
from tests.flows.world import World


@pytest.fixture
async def tv(world: World) -> Tv:
    """With our own Application on it."""
    await declare_devices(world)
    return Tv(world)
