"""The receipt of an erasure. What it says of each Provider: test_erase.py."""

from __future__ import annotations

import pytest

from broker.domain.erasure import Erased
from broker.flows.privacy.receipt import receipt_of
from broker.flows.signed_document import is_signed
from tests.flows.setting import NOW
from tests.flows.world import World

pytestmark = pytest.mark.anyio


async def test_a_receipt_is_signed(world: World) -> None:
    """Also where there was nothing to tell anybody."""
    erased = Erased(user_id="usr_1", at=NOW, destroyed={}, tokens=())  # type: ignore[arg-type]
    whole = await receipt_of(erased, world.ports)

    assert is_signed("receipt", whole, world.signer)
    assert whole["receipt"]["tokens"] == []
