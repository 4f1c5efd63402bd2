"""Who kills broker processes, has Redis forget, and breaks connections to PostgreSQL; and who gives Authorizations.

Heals each fault before the next. What is done is drawn from a seed, and comes after so many answers, not seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from random import Random

from broker.app import opened
from broker.domain import manifest
from broker.domain.errors import Fault
from broker.flows.clients.apply import apply
from tests.faults.history import Recorder
from tests.faults.pair import RIGHTS, USERS, Pair, declared

FAULTS = ("kill 0", "cut", "kill 1", "lose", "kill both", "cut")
BUSY = 6
"""So many requests are on their way when something breaks."""
A_REQUEST = 0.01
"""Seconds, about: a process is killed at any moment of one."""
Members = Mapping[str, Mapping[str, Sequence[str]]]


class Nemesis:
    """`rounds`: how often all of the faults have come, in another order each time."""

    def __init__(self, two: Pair, recorder: Recorder, random: Random) -> None:
        self.rounds = 0
        self._two = two
        self._recorder = recorder
        self._random = random

    async def break_things(self, *, every: int) -> None:
        """Until everybody has gone; never ends in the middle of a fault."""
        while True:
            for fault in self._random.sample(FAULTS, len(FAULTS)):
                if not await self._recorder.after(every) or not await self._many_ask():
                    return
                await self._break(fault)
            self.rounds += 1

    async def _many_ask(self) -> bool:
        while self._two.busy.total() < BUSY:
            if not await self._recorder.after(1):
                return False
        return True

    async def _break(self, fault: str) -> None:
        if fault == "cut":
            await self._two.cut_postgres()
        elif fault == "lose":
            await self._two.lose_redis()
        else:
            numbers = range(2) if fault == "kill both" else [int(fault[-1])]
            await asyncio.sleep(self._random.random() * A_REQUEST)
            for number in numbers:
                self._two.kill(number)
            await asyncio.gather(*(self._two.start(number) for number in numbers))


class Government:
    """Gives and withdraws Authorizations, as by `broker apply`; the only one who does."""

    def __init__(self, two: Pair, recorder: Recorder, random: Random) -> None:
        self._two = two
        self._recorder = recorder
        self._random = random
        self._members: Members = {user: self._some() for user in USERS}

    async def govern(self, *, every: int) -> None:
        """Declare all there is, then change something again and again, until everybody has gone."""
        async with opened(self._two.settings) as edges:
            while True:
                number = self._recorder.invoke("apply", members=self._members)
                try:
                    await apply(manifest.parse(declared(self._members)), edges.ports, dry_run=False)
                except Fault as fault:  # the connection broke: it was done, or it was not
                    self._recorder.complete(number, "info", reason=fault.code)
                else:
                    self._recorder.complete(number, "ok")
                if not await self._recorder.after(every):
                    return
                changed = self._random.sample(USERS, 2)
                self._members = {**self._members, **{user: self._some() for user in changed}}

    def _some(self) -> dict[str, list[str]]:
        """What one User is given: by each Client some rights, or nothing."""
        given: dict[str, list[str]] = {}
        for client, rights in RIGHTS.items():
            if self._random.random() < 0.8:
                given[client] = sorted(self._random.sample(rights, self._random.randint(1, len(rights))))
        return given
