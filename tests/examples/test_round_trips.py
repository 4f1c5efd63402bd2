"""How many times each request asks the database, as docs/reference/database.md tells it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broker.web.routes import TABLE
from tests.docs.reading import reference, section
from tests.examples.counted import CountedBroker, counted_broker
from tests.examples.walk import Measured, Walk

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["sqlite", "postgresql"])
async def broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CountedBroker]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    async with counted_broker(tmp_path, url) as broker:
        yield broker


async def test_every_count_on_the_page_is_what_the_broker_asks(broker: CountedBroker) -> None:
    """Reads, writes, what they hold, and on PostgreSQL's wire one round trip for each; no route is left out."""
    for warm in ("grace", "stranger"):  # statements are prepared at their first use
        await Walk(broker, warm).everything()
    walk = Walk(broker, "ada")
    await walk.everything()

    told = section(reference("database"), "How many times each request asks")
    assert [row for row in told.splitlines() if row.startswith("| `")] == as_rows(walk.measured)
    assert {name for name, _ in walk.measured} == {row[0] for row in TABLE}
    if broker.proxy is not None:
        asked = {at: counts.reads + counts.writes for at, counts in walk.measured.items()}
        assert {at: counts.round_trips for at, counts in walk.measured.items()} == asked


def as_rows(measured: Measured) -> list[str]:
    """The rows of the page, in the order of the routes."""
    order = [row[0] for row in TABLE]
    return [
        f"| `{name}` | {who} | {counts.reads} | {counts.writes} | {' + '.join(map(str, counts.statements)) or '-'} |"
        for (name, who), counts in sorted(measured.items(), key=lambda item: order.index(item[0][0]))
    ]
