"""Owns the task that follows the feed, for a loop with an HTTP of its own. Otherwise as the thread of `follower`."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from partner_ops_verifier.feed import AccessToken, Following, access_token
from partner_ops_verifier.http import AsyncHttp, HttpFailed, walk_async
from partner_ops_verifier.judge import Clocks

_log = logging.getLogger("partner_ops_verifier")


class AsyncFollower:
    """At most one task."""

    def __init__(self, following: Following, http: AsyncHttp, clocks: Clocks) -> None:
        self._following = following
        self._http = http
        self._clocks = clocks
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def ensure(self) -> None:
        """Follow, if nobody does so; not after `close`. Raises `RuntimeError` outside of a loop."""
        if not self._closed and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """End the task, wherever it is."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            try:
                await self._follow()
            except HttpFailed as problem:
                _log.warning("revocations are not heard: %s", problem)
            except Exception:  # noqa: BLE001 - as in the thread
                _log.exception("revocations are not heard")
            await asyncio.sleep(self._following.wait())

    async def _follow(self) -> None:
        following, clocks = self._following, self._clocks
        stream = await self._http.open(following.request(await self._access()))
        try:
            following.opened(stream.status)
            while chunk := await stream.read():
                following.received(chunk, clocks.now(), clocks.steady())
        finally:
            await stream.close()

    async def _access(self) -> AccessToken:
        held = self._following.access(self._clocks.steady())
        if held is not None:
            return held
        steps = access_token(self._following.source, self._following.feed, self._clocks.steady())
        return await walk_async(steps, self._http)
