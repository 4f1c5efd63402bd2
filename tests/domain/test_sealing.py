"""Where sealed values belong."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from broker.domain.ids import DataKeyId
from broker.domain.sealing import NO_CLIENT, Place, WrappedKey, adapter_of, succeeds
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


@pytest.mark.parametrize(
    ("kek_id", "other", "so"),
    [
        ("local:main:2", "local:main:1", True),
        ("local:main:10", "local:main:9", True),
        ("local:main:1", "local:main:1", False),
        ("local:main:1", "local:main:2", False),
        ("local:spare:2", "local:main:1", False),
        ("aws:main:2", "local:main:1", False),
        ("local:main:x", "local:main:1", False),
        ("local:main:2", "local:main:x", False),
        ("local:main:²", "local:main:1", False),
        ("local:main:2", "local:main:¹", False),
        ("local:main:", "local:main:1", False),
        ("local:main:1", "local:main:", False),
        ("", "", False),
        ("2", "1", True),
    ],
)
def test_a_kek_succeeds_an_earlier_version_of_itself(kek_id: str, other: str, so: bool) -> None:
    """By number, not by letter; between two names, and where there is no number, no order is known."""
    assert succeeds(kek_id, other) is so


@pytest.mark.parametrize(("kek_id", "adapter"), [("local:main:1", "local"), ("aws:x:2", "aws"), ("", ""), ("x", "x")])
def test_an_adapter_stands_first_in_the_id_of_its_kek(kek_id: str, adapter: str) -> None:
    """Whatever else is in it."""
    assert adapter_of(kek_id) == adapter
