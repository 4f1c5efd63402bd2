"""Owns `/api/v1/revocations`: who may follow, from where on, and a stream that lives as long as the token.

Refuses to go on telling a follower whose own token was revoked.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from broker.domain.revocation import Notice, covers
from broker.flows.ports import Clock
from broker.flows.revocations.admit import Follower, admit
from broker.web import context, events
from broker.web.credentials import token_of
from broker.web.feed import End, Feed, Follow
from broker.web.measure import Measures

_CURSOR = re.compile(r"[0-9]{1,19}")
_LAST_WORDS = 1.0
"""Seconds for what is being sent when a stream is ended from here: who does not read does not get them."""

_log = structlog.get_logger("broker.request")


async def revocations(request: Request) -> Response:
    """Server-Sent Events. Raises `Refusal` or `Fault`, before the stream begins."""
    web = context.web_of(request)
    follower = await admit(token_of(request), web.ports)
    if request.method == "HEAD":
        return Response(headers=events.HEADERS)
    async with AsyncExitStack() as stack:
        follow = await stack.enter_async_context(web.feed.follow(_cursor_of(request)))
        request.scope["streams"] = True
        return _Stream(follow, follower, stack.pop_all(), feed=web.feed, clock=web.ports.clock, measures=web.measures)


def _cursor_of(request: Request) -> int | None:
    """What is no cursor is none: whoever sends it is told everything."""
    sent = request.headers.get("last-event-id", "")
    cursor = int(sent) if _CURSOR.fullmatch(sent) else 0
    return cursor if 0 < cursor < 2**63 else None


class _Stream(Response):
    """An answer that goes on. Whatever ends it, the follower's place becomes free."""

    def __init__(
        self,
        follow: Follow,
        follower: Follower,
        place: AsyncExitStack,
        *,
        feed: Feed,
        clock: Clock,
        measures: Measures,
    ) -> None:
        super().__init__(headers=events.HEADERS)
        del self.headers["content-length"]
        self._follow = follow
        self._follower = follower
        self._place = place
        self._feed = feed
        self._clock = clock
        self._measures = measures
        self._told = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = asyncio.get_running_loop().time()
        why = End.GONE
        async with self._place:
            telling = asyncio.create_task(self._send(send))
            leaving = asyncio.create_task(_left(receive))
            ending = asyncio.create_task(self._follow.until_ended())
            try:
                await asyncio.wait({telling, leaving, ending}, return_when=asyncio.FIRST_COMPLETED)
                if not leaving.done():
                    await asyncio.wait({telling, leaving}, timeout=_LAST_WORDS, return_when=asyncio.FIRST_COMPLETED)
                if telling.done() and telling.exception() is None:
                    why = telling.result()
                elif self._follow.ended is not None:
                    why = self._follow.ended
            finally:
                for task in (telling, leaving, ending):
                    task.cancel()
                await asyncio.gather(telling, leaving, ending, return_exceptions=True)
                self._measures.follow_ended(why, self._told)
                _log.info(
                    "stream ended",
                    route=scope.get("route_name", "none"),
                    application_id=self._follower.application_id,
                    end=why,
                    told=self._told,
                    seconds=round(asyncio.get_running_loop().time() - began, 1),
                    request_id=scope["request_id"],
                )

    async def _send(self, send: Send) -> End:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async for chunk in self._chunks():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return self._follow.ended or End.EXPIRED

    async def _chunks(self) -> AsyncIterator[bytes]:
        follow, time = self._follow, asyncio.get_running_loop().time
        resume = follow.begins.cursor
        yield self._first()
        expires = time() + self._follower.expires_at - self._clock.now()
        beats = time()
        while follow.ended is None:
            if self._clock.now() >= self._follower.expires_at or time() >= expires:
                follow.end(End.EXPIRED)
                break
            chunk = []
            for line in follow.take():
                resume = max(resume, line.resume)
                chunk.append(events.numbered(resume, line.text))
                self._look_at(line.notice)
            if time() >= beats:
                beats = time() + events.HEARTBEAT_EVERY
                if (at := self._feed.complete_until) is not None:
                    chunk.append(events.heartbeat(at))
            if chunk:
                yield b"".join(chunk)
            await follow.wait(max(0.0, min(beats, expires) - time()))

    def _first(self) -> bytes:
        begins = self._follow.begins
        for one in begins.told:
            self._look_at(one.notice)
        if begins.whole:
            return events.snapshot(begins.cursor, (one.notice for one in begins.told))
        chunk, resume = [], 0
        for one in begins.told:
            resume = one.cursor if one.settled else resume
            chunk.append(events.numbered(resume or begins.cursor, events.revoked(one.notice)))
        return b"".join(chunk)

    def _look_at(self, notice: Notice) -> None:
        self._told += 1
        if covers(notice, self._follower.claims):
            self._follow.end(End.REVOKED)


async def _left(receive: Receive) -> None:
    """Until the follower goes away; what they still send is of no interest."""
    while (await receive())["type"] != "http.disconnect":
        pass
