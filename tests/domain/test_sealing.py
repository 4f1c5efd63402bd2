"""Where sealed values belong."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from broker.domain.ids import DataKeyId
from broker.domain.sealing import NO_CLIENT, Place, WrappedKey
from tests.domain.world import NOW

PLACE = Place(table="t", column="c", row_id="r", owner="o", registration="g", generation=1)


def test_a_place_without_a_client_says_so() -> None:
    """It is not the place of a Client without a name."""
    assert PLACE.client_org == NO_CLIENT
    assert replace(PLACE, client_org="") != PLACE


@pytest.mark.parametrize("name", [field.name for field in fields(Place)])
def test_each_part_makes_another_place(name: str) -> None:
    """All of it becomes the additional authenticated data."""
    other: str | int = 2 if name == "generation" else "x"

    assert replace(PLACE, **{name: other}) != PLACE  # type: ignore[arg-type]


def test_a_wrapped_key_is_not_shown_by_repr() -> None:
    """Though it opens nothing without its KEK."""
    key = WrappedKey(
        id=DataKeyId("dek_1"), owner="usr_ada", kek_id="local:main:1", wrapped=b"key-canary", created_at=NOW
    )

    assert "canary" not in repr(key)
