"""Which form the values of each column have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.stored_shapes import SHAPES, Shape, misfits

OF_A_PERSON = ["ada@acme.example", "Ada Lovelace", "+44 20 7946 0958", "Mozilla/5.0 (X11; Linux)", "Ångström"]
MAY_LOOK_LIKE_IT = {"applications.name", "client_orgs.name", "grants.nonce"}
"""Names of programs and organisations, and what an Application chose."""
EVERY = [(f"{table}.{name}", shape) for table, columns in SHAPES.items() for name, shape in columns.items()]


@pytest.mark.parametrize(("column", "shape"), EVERY, ids=[name for name, _ in EVERY])
@pytest.mark.parametrize("value", OF_A_PERSON)
def test_what_a_person_is_called_or_reached_by_fits_nowhere(column: str, shape: Shape, value: str) -> None:
    """Not in clear, whatever column it gets into."""
    assert not shape.fits(value) or column in MAY_LOOK_LIKE_IT


@given(st.sampled_from([shape for _, shape in EVERY]), st.text(min_size=1) | st.binary() | st.floats() | st.booleans())
def test_a_shape_answers_about_anything(shape: Shape, value: object) -> None:
    """And never takes bytes for text, or a fraction for a number."""
    fits = shape.fits(value)

    assert fits in (True, False)
    assert not (fits and isinstance(value, float | bool))


def test_a_row_as_the_broker_writes_it_fits() -> None:
    """With NULL wherever it stands."""
    row = {"id": "usr_" + "a" * 26, "status": "active", "created_at": 1_900_000_000, "epoch": 0, "accepted": None}

    assert misfits("users", row) == ()
    assert misfits("users", row | {"status": "ada@acme.example", "epoch": -1}) == ("status", "epoch")


def test_what_nobody_named_is_a_misfit() -> None:
    """A column or a table that is not known cannot be judged."""
    assert misfits("users", {"nickname": "Ada"}) == ("nickname",)
    assert misfits("diary", {"id": 1}) == ("id",)


def test_what_is_sealed_begins_with_its_version() -> None:
    """Or is empty, as the private half of a revoked key."""
    sealed = SHAPES["signing_keys"]["sealed_private"]

    assert all(map(sealed.fits, (b"\x01abc", b"")))
    assert not any(map(sealed.fits, (b"ada@acme.example", "text")))
