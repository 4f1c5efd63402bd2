"""A JSON document with the broker's signature beside it."""

from __future__ import annotations

import json

import pytest

from broker.flows.signed_document import is_signed, signed
from tests.flows.setting import ISSUER, NOW
from tests.flows.world import World

pytestmark = pytest.mark.anyio


async def test_what_was_signed_is_known_again_and_nothing_else(world: World) -> None:
    """Not with another value, as another kind, by another broker's key, or without a signature."""
    whole = signed("report", {"rows": 1}, issuer=ISSUER, now=NOW, signer=world.signer)
    token = world.signer.sign({"iss": ISSUER, "sha256": "0" * 64}, typ="JWT")

    assert is_signed("report", json.loads(json.dumps(whole)), world.signer)
    assert not is_signed("report", whole | {"report": {"rows": 2}}, world.signer)
    assert not is_signed("archive", {"archive": whole["report"], "signature": whole["signature"]}, world.signer)
    assert not is_signed("report", whole | {"signature": token}, world.signer)
    assert not is_signed("report", {"report": whole["report"]}, world.signer)
    assert not is_signed("report", {"signature": whole["signature"], "report": []}, world.signer)
