"""How many times each request asks the database, as docs/reference/database.md tells it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broker.web.routes import TABLE
from tests.docs.reading import reference
from tests.examples.counted import CountedBroker, counted_broker
from tests.examples.counts import as_rows, in_all, rows_in, walked

pytestmark = pytest.mark.anyio

_TRANSACTIONS = {("remove_access", "signed in"): 4, ("erase", "signed in"): 5, ("me_erase", "signed in"): 5}
"""Round trips more than one, where each statement of a write sees the one before: a transaction."""


@pytest.fixture(params=["sqlite", "postgresql"])
async def broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CountedBroker]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    async with counted_broker(tmp_path, url) as broker:
        yield broker


async def test_every_count_on_the_page_is_what_the_broker_asks(broker: CountedBroker) -> None:
    """Reads, writes, what they hold, and on PostgreSQL's wire one round trip for each; no route is left out."""
    measured = await walked(broker)

    # Else: python -m tests.examples.counts
    assert rows_in(reference("database")) == as_rows(measured)
    assert in_all(measured) in " ".join(reference("database").split())
    assert {name for name, _ in measured} == {row[0] for row in TABLE}
    if broker.proxy is not None:
        asked = {at: counts.reads + counts.writes for at, counts in measured.items()}
        for at, further in _TRANSACTIONS.items():
            asked[at] += further
        assert {at: counts.round_trips for at, counts in measured.items()} == asked
