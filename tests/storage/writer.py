"""A process that writes to the store at the URL it is given, and says each number once its unit is acknowledged.

Never stops by itself: it is killed.
"""

from __future__ import annotations

import asyncio
import itertools
import sys

from broker.domain import changes as c
from broker.storage.store import SqlStore
from tests.storage import world as w


async def write_for_ever(url: str) -> None:
    numbers = itertools.count()

    async def one_after_another(store: SqlStore) -> None:
        for number in numbers:
            await store.write(w.attempt(number), c.Record(event=w.event(str(number))))
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()

    async with SqlStore(url) as store:
        await asyncio.gather(*(one_after_another(store) for _ in range(4)))


if __name__ == "__main__":
    asyncio.run(write_for_ever(sys.argv[1]))
