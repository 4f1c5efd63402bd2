"""Tables and columns: every one has a row, in its order, and in the form in which it is kept."""

from __future__ import annotations

import pytest
from sqlalchemy import LargeBinary, Table

from broker.storage.tables import metadata
from tests.docs.reading import headings, names, reference, section, table

TABLES = [found for found in metadata.tables.values() if found.name != "ledger"]


def test_every_table_has_a_heading() -> None:
    """And no heading a table that is not there."""
    assert sorted(headings(section(reference("database"), "Tables"))) == sorted(metadata.tables)


@pytest.mark.parametrize("found", TABLES, ids=lambda found: str(found.name))
def test_every_column_has_a_row(found: Table) -> None:
    """What is sealed, wrapped or hashed whole is bytes, and nothing else is."""
    told = section(reference("database"), str(found.name))

    assert names(told) == [column.name for column in found.columns]
    secret = [name for name, row in table(told).items() if row[1] in ("sealed", "wrapped", "hash")]
    assert secret == [column.name for column in found.columns if isinstance(column.type, LargeBinary)]
