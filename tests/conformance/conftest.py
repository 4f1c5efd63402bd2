"""What the tests by the suite's names need: the worlds of tests/security, and who plays the suite's part in them."""

from __future__ import annotations

import pytest

from tests.conformance.partner import Partner, declared
from tests.conformance.relying_party import RelyingParty
from tests.security.browser import Browser
from tests.security.conftest import ada, template, worker_upstreams, world
from tests.security.world import World

__all__ = ["ada", "template", "worker_upstreams", "world"]


@pytest.fixture
def suite(world: World, ada: Browser) -> RelyingParty:
    """The suite as a relying party with a secret."""
    return RelyingParty(world=world, browser=ada)


@pytest.fixture
async def bank(world: World, ada: Browser) -> Partner:
    """The suite as a client of the FAPI 2.0 Security Profile, and a second one, "other"."""
    await declared(world)
    return Partner(world=world, browser=ada, name="bank")
