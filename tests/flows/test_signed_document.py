"""A JSON document with the broker's signature beside it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.flows.signed_document import canonical, is_signed, signed
from tests.flows.setting import ISSUER, NOW
from tests.flows.world import World

pytestmark = pytest.mark.anyio

members = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=5), members, max_size=5))
def test_the_bytes_say_all_and_do_not_depend_on_the_order(document: dict[str, Any]) -> None:
    """Whoever reads the file can make them again."""
    document = json.loads(json.dumps(document).encode("utf-8", "surrogatepass"))
    try:
        whole = canonical(document)
    except UnicodeEncodeError:
        return  # half a character is nobody's name

    assert json.loads(whole) == document
    assert canonical(dict(reversed(document.items()))) == whole


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
