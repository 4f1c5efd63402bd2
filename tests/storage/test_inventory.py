"""Reading everything that there is, and knowing the form of all of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from broker.domain import changes as c
from broker.domain.stored_shapes import SHAPES
from broker.storage.inventory import SqlInventory
from broker.storage.store import SqlStore
from broker.storage.tables import metadata
from tests.storage import world as w

pytestmark = pytest.mark.anyio


def test_every_column_has_its_form_and_sealed_ones_are_bytes() -> None:
    """Whoever adds a column says what stands there: what is not known to be minimal is not."""
    columns = {table.name: {column.name for column in table.columns} for table in metadata.tables.values()}

    assert {table: set(shapes) for table, shapes in SHAPES.items()} == columns
    for table in metadata.tables.values():
        for column in table.columns:
            if SHAPES[table.name][column.name].sealed:
                assert column.type.python_type is bytes


async def test_every_row_of_every_table_is_read_once(store_url: str) -> None:
    """In the order of its key, whatever columns that has, in pieces of any size."""
    async with SqlStore(store_url) as store:
        for name in ("ada", "grace"):
            await store.write(*w.invited(name))
            await store.write(*w.first_sign_in(name, attempt_number=len(name)))
            await store.write(
                c.PutConsent(consent=w.consent(name)),
                c.Accept(acceptance=w.acceptance(name)),
                c.PutChoice(choice=w.choice(name=name)),
            )
        inventory = SqlInventory(store.engine)
        assert set(inventory.tables) == set(SHAPES)
        for table in inventory.tables:
            whole = await inventory.rows(table, None, 1000)
            read: list[Mapping[str, Any]] = []
            key, after = inventory.key(table), None
            while piece := await inventory.rows(table, after, 1):
                after = [piece[0][column] for column in key]
                read += piece
            assert read == list(whole)
            assert len({tuple(row[column] for column in key) for row in read}) == len(read)
