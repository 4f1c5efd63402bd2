"""A process that announces at the URL it is given, and says each value once it is committed, until it is killed."""

from __future__ import annotations

import asyncio
import itertools
import sys

from broker.domain.changes import Announce
from broker.domain.revocation import Claim, Notice
from broker.storage.store import SqlStore


async def announce_for_ever(url: str, until: int) -> None:
    async with SqlStore(url) as store:
        for number in itertools.count():
            await store.write(Announce(notice=Notice(claim=Claim.SID, value=f"ses_{number}", until=until)))
            sys.stdout.write(f"ses_{number}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(announce_for_ever(sys.argv[1], int(sys.argv[2])))
