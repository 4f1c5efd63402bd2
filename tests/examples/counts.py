"""The table of docs/reference/database.md that is counted; `python -m tests.examples.counts` writes it anew."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from broker.web.routes import TABLE
from tests.docs.reading import REFERENCE, section
from tests.examples.counted import CountedBroker, counted_broker
from tests.examples.walk import Measured, Walk

HEADING = "How many times each request asks"
_BEGINS = "| `"


async def walked(broker: CountedBroker) -> Measured:
    """What Ada's requests cost, after two others have had every statement prepared."""
    for persona in ("grace", "stranger", "ada"):
        walk = Walk(broker, persona)
        await walk.everything()
    return walk.measured


def as_rows(measured: Measured) -> list[str]:
    """The rows of the page, in the order of the routes."""
    order = [row[0] for row in TABLE]
    rows = []
    for (name, who), counts in sorted(measured.items(), key=lambda item: order.index(item[0][0])):
        holds = " + ".join(map(str, counts.statements)) or "-"
        rows.append(f"{_BEGINS}{name}` | {who} | {counts.reads} | {counts.writes} | {holds} |")
    return rows


def in_all(measured: Measured) -> str:
    """What the page says of a whole sign-in."""
    asked = {at: counts.reads + counts.writes for at, counts in measured.items()}
    page = asked["sign_in", "for an Application"] + asked["sign_in_begin", "for an Application"]
    token, chosen = asked["token", "a public Application"], asked["authorize", "nobody signed in"]
    back = asked["callback", "a User who comes back"] + token
    more = asked["callback", "a new User"] + asked["accept", "a new User"] + token - back
    named = asked["authorize", "nobody signed in, the Provider named"]
    return (
        f"is {chosen + page + back} round trips for a User who comes back; "
        f"with `provider` in the authorize request the second and third fall away, and it is {named + back}. "
        f"A new User, who is asked to accept the documents first, takes {more} more"
    )


def rows_in(page: str) -> list[str]:
    """The rows as they stand on the page."""
    return [line for line in section(page, HEADING).splitlines() if line.startswith(_BEGINS)]


async def _count() -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        async with counted_broker(Path(folder)) as broker:
            return as_rows(await walked(broker))


def _write(path: Path, rows: list[str]) -> None:
    page = path.read_text(encoding="utf-8")
    before, after = "\n".join(rows_in(page)), "\n".join(rows)
    path.write_text(page.replace(before, after), encoding="utf-8")


if __name__ == "__main__":
    _write(REFERENCE / "database.md", asyncio.run(_count()))
