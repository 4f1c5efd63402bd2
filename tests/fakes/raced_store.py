"""The in-memory `Store`, for races: somebody else acts between what a flow reads and what it writes.

Notes whatever is asked of it or handed to it, also what it then refuses.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

from tests.fakes.store import MemoryStore

Act = Callable[[], Awaitable[object]]


class RacedStore(MemoryStore):
    """`received`: every call, the name of the method first."""

    def __init__(self) -> None:
        super().__init__()
        self.received: list[tuple[object, ...]] = []
        self._rivals: defaultdict[str, list[Act]] = defaultdict(list)
        self._tireless: dict[str, Act] = {}
        self._racing = False

    def before(self, method: str, act: Act) -> None:
        """Just before `method` is called next, `act` happens; each act once, in order. A rival meets no rivals."""
        self._rivals[method].append(act)

    def always_before(self, method: str, act: Act) -> None:
        """Before every call of `method` from now on."""
        self._tireless[method] = act

    def stop_before(self, method: str) -> None:
        """Nothing answers any more, from the next call of `method` on."""

        async def stop() -> None:
            self.down = True

        self.before(method, stop)

    async def _rivals_act(self, method: str) -> None:
        if self._rivals[method]:
            await self._rivals[method].pop(0)()
        if method in self._tireless:
            await self._tireless[method]()

    # Every method, and those to come: a value must not slip through one that was forgotten here.
    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name.startswith("_") or not inspect.iscoroutinefunction(found):
            return found

        async def called(*arguments: Any, **named: Any) -> Any:
            self.received.append((name, *arguments, *named.values()))
            if not self._racing:
                self._racing = True
                try:
                    await self._rivals_act(name)
                finally:
                    self._racing = False
            return await found(*arguments, **named)

        return called
