"""An `Applications` without a network: every Application accepts, until a test says what else it does."""

from __future__ import annotations

import asyncio

from broker.domain.logout import LogoutResult


class ScriptedApplications:
    """`told` are (URL, logout token), in their order. `answers` by URL; at a URL in `slow` nothing comes until set."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.answers: dict[str, LogoutResult] = {}
        self.slow: dict[str, asyncio.Event] = {}

    async def tell_logout(self, url: str, logout_token: str) -> LogoutResult:
        self.told.append((url, logout_token))
        if url in self.slow:
            await self.slow[url].wait()
        return self.answers.get(url, LogoutResult.DELIVERED)
