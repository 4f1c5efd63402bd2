"""Owns one Provider's share of the broker: so many requests at a time, and none for a while when it does not answer.

Refuses to let a Provider that hangs slow down the others, and to send anything twice but a GET.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson

from broker.domain.errors import Fault
from broker.upstream.errors import unavailable
from broker.upstream.http import LONGEST_BODY, TOTAL_SECONDS, Answer, Transport

AT_A_TIME = 64
"""Requests of one Provider. At 100 ms each that is 640 sign-ins a second."""
TRIPS_AFTER = 10
"""Failures in a row; then the Provider is left alone for `REST_SECONDS`, and one request probes whether it is back."""
REST_SECONDS = 5
QUICKLY = 1
"""Seconds. What took longer to fail is not tried again: somebody is waiting."""
_PASSING = frozenset({502, 503, 504})
_JSON = {"Accept": "application/json"}


class Line:
    """The line to one Provider."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._free = asyncio.Semaphore(AT_A_TIME)
        self._failures = 0
        self._rests_until = 0.0

    async def send(
        self,
        method: str,
        url: str,
        *,
        what: str,
        headers: Mapping[str, str] = _JSON,
        body: str | None = None,
        longest: int = LONGEST_BODY,
    ) -> Answer:
        """Send one request, once; waiting for a free place counts as time too. Raises `Fault`."""
        self._check_rested()
        began = _clock()
        try:
            async with asyncio.timeout(TOTAL_SECONDS), self._free:
                answer = await self._transport.send(method, url, what=what, headers=headers, body=body, longest=longest)
        except TimeoutError:
            self._count_failure()
            raise unavailable(f"{what}: no answer in {TOTAL_SECONDS} s") from None
        except asyncio.CancelledError:
            if _clock() - began > QUICKLY:  # whoever asked has a deadline of their own, and stopped waiting
                self._count_failure()
            raise
        except Fault as fault:
            if fault.code == "provider_unavailable":
                self._count_failure()
            raise
        if answer.status >= 500:
            self._count_failure()
        else:
            self._failures = 0
        return answer

    async def get(self, url: str, *, what: str, headers: Mapping[str, str] = _JSON) -> Answer:
        """GET; once more, a moment later, when that failed quickly and in a way that may pass. Raises `Fault`."""
        began = _clock()
        try:
            answer = await self.send("GET", url, what=what, headers=headers)
        except Fault as fault:
            if fault.code != "provider_unavailable" or _clock() - began > QUICKLY:
                raise
        else:
            if answer.status not in _PASSING or _clock() - began > QUICKLY:
                return answer
        await asyncio.sleep((50 + secrets.randbelow(100)) / 1000)  # not all at the same moment
        return await self.send("GET", url, what=what, headers=headers)

    async def get_json(self, url: str, *, what: str, headers: Mapping[str, str] = _JSON) -> Any:
        """GET a JSON document with status 200. Raises `Fault`."""
        answer = await self.get(url, what=what, headers=headers)
        if answer.status != 200:
            raise unavailable(f"{what}: status {answer.status}", answer.retry_after)
        return read_json(answer, what)

    def _check_rested(self) -> None:
        now = _clock()
        if self._failures >= TRIPS_AFTER:
            if now < self._rests_until:
                raise unavailable("left alone after many failures in a row")
            self._rests_until = now + REST_SECONDS  # for everybody but this request, the probe

    def _count_failure(self) -> None:
        self._failures += 1
        self._rests_until = _clock() + REST_SECONDS


def _clock() -> float:
    """Seconds that only ever grow; not the time of day."""
    return asyncio.get_running_loop().time()


@asynccontextmanager
async def deadline(seconds: float, what: str) -> AsyncIterator[None]:
    """Turn a time-out of everything inside into a `Fault`."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise unavailable(f"{what}: no answer in {seconds:g} s") from None


def read_json(answer: Answer, what: str) -> Any:
    """The parsed body. Raises `Fault` when the answer does not call itself JSON, or is none."""
    if answer.media_type != "application/json" and not answer.media_type.endswith("+json"):
        raise unavailable(f"{what}: not JSON")
    try:
        return orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        raise unavailable(f"{what}: malformed JSON") from None
