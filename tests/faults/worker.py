"""One of many who use a broker at once, at random: honest, impatient, forgetful, and now and then a thief.

What it does next is drawn from a seed; what it is told is not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

from tests.faults.application import Application
from tests.faults.asking import Asking
from tests.faults.browser import Browser
from tests.faults.pair import USERS
from tests.faults.possessions import Asked, Family, Session

APPLICATIONS = ("demo-app", "demo-app", "crm")
SESSIONS = 4
"""How many browsers one of them has open."""


class Worker:
    """Remembers every Session and family, so that in the end each can be asked after."""

    def __init__(self, asking: Asking, random: Random) -> None:
        self._browser, self._application = Browser(asking), Application(asking)
        self.sessions: list[Session] = []
        self.families: list[Family] = []
        self._chance = random
        self._deeds: dict[Callable[[], Awaitable[object]], int] = {
            self._visit: 20,
            self._refresh: 50,
            self._refresh_and_lose_the_answer: 16,
            self._refresh_and_hang_up: 10,
            self._refresh_twice: 14,
            self._refresh_with_an_old_one: 1,
            self._ask: 50,
            self._look: 6,
            self._revoke: 1,
            self._revoke_beside: 1,
            self._sign_out: 1,
            self._sign_out_beside: 1,
            self._remove_access: 1,
        }
        """And how often it does each, among all."""

    async def work(self, enough: Callable[[], bool]) -> None:
        """One thing after the other."""
        deeds, weights = list(self._deeds), list(self._deeds.values())
        while not enough():
            if not self.sessions or self._chance.random() < 0.06:
                await self._sign_in()
            else:
                await self._chance.choices(deeds, weights)[0]()

    def _session(self) -> Session:
        return self._chance.choice([s for s in self.sessions[-SESSIONS:] if self._cares_for(s)] or self.sessions)

    def _family(self) -> Family | None:
        having = [f for f in self.families[-3 * SESSIONS :] if f.tokens and self._cares_for(f)]
        return self._chance.choice(having) if having else None

    def _cares_for(self, one: Session | Family) -> bool:
        """What is over it seldom asks for again."""
        return not one.over or self._chance.random() < 0.05

    async def _sign_in(self) -> None:
        user = self._chance.choice(USERS)
        asked = Asked(application=self._chance.choice(APPLICATIONS)) if self._chance.random() < 0.8 else None
        if (trip := await self._browser.begin(user, asked)) is None:
            return
        times = 2 if self._chance.random() < 0.1 else 1
        back = await asyncio.gather(*(self._browser.sign_in(user, asked, trip) for _ in range(times)))
        if self._chance.random() < 0.1:  # a thief, or the button "back"
            back.append(await self._browser.sign_in(user, asked, trip))
        for session, family in back:
            if session is not None:
                self.sessions.append(session)
                await self._browser.look(session)
                if asked is not None and family is None:
                    await self._fetch(await self._browser.authorize(session, asked))
                await self._fetch(family)

    async def _visit(self) -> None:
        asked = Asked(application=self._chance.choice(APPLICATIONS))
        await self._fetch(await self._browser.authorize(self._session(), asked))

    async def _fetch(self, family: Family | None) -> None:
        if family is None:
            return
        self.families.append(family)
        times = 2 if self._chance.random() < 0.06 else 1
        await asyncio.gather(*(self._application.redeem(family) for _ in range(times)))
        if not family.tokens or self._chance.random() < 0.03:  # nobody knows; or a thief comes late
            await self._application.redeem(family)

    async def _refresh(self) -> None:
        if (family := self._family()) is not None:
            await self._go_on(family, family.tokens[-1])

    async def _go_on(self, family: Family, token: str) -> None:
        """Use it, and once more where no answer came, as a careful Application does."""
        successor = await self._application.refresh(family, token)
        if successor is None and not family.over:
            successor = await self._application.refresh(family, token)
        if successor is not None:
            family.tokens.append(successor)

    async def _refresh_and_lose_the_answer(self) -> None:
        if (family := self._family()) is not None:
            await self._application.refresh(family, family.tokens[-1])
            await self._go_on(family, family.tokens[-1])

    async def _refresh_and_hang_up(self) -> None:
        if (family := self._family()) is not None:
            await self._application.refresh(family, family.tokens[-1], patience=self._chance.random() * 0.03)
            await self._go_on(family, family.tokens[-1])

    async def _refresh_twice(self) -> None:
        if (family := self._family()) is not None:
            token = family.tokens[-1]
            successors = await asyncio.gather(*(self._application.refresh(family, token) for _ in range(2)))
            family.tokens += [successor for successor in successors if successor is not None][:1]

    async def _refresh_with_an_old_one(self) -> None:
        if (family := self._family()) is not None:
            await self._application.refresh(family, self._chance.choice(family.tokens))

    async def _ask(self) -> None:
        if (family := self._family()) is not None and family.is_fresh():
            await self._chance.choice((self._application.userinfo, self._application.introspect))(family)

    async def _look(self) -> None:
        await self._browser.look(self._session())

    async def _revoke(self) -> None:
        if (family := self._family()) is not None:
            await self._application.revoke(family, self._chance.choice(family.tokens))

    async def _revoke_beside(self) -> None:
        if (family := self._family()) is not None:
            token = family.tokens[-1]
            await asyncio.gather(
                self._application.refresh(family, token),
                self._application.revoke(family, token),
                self._application.refresh(family, token),
            )

    async def _sign_out(self) -> None:
        await self._browser.sign_out(self._session())

    async def _sign_out_beside(self) -> None:
        if (family := self._family()) is not None:
            await asyncio.gather(self._go_on(family, family.tokens[-1]), self._browser.sign_out(family.session))

    async def _remove_access(self) -> None:
        await self._browser.remove_access(self._session(), "crm")
