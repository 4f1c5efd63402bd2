"""Asking one of two brokers over HTTP, and having recorded what became of it.

Never asks twice by itself, and takes no 503 for a refusal: nobody knows then whether it was done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2

from tests.faults.history import Outcome, Recorder
from tests.faults.pair import Pair

PATIENCE = 20.0
"""Seconds until nobody waits for an answer any more."""
_NOBODY_KNOWS = ("server_error", "temporarily_unavailable")


class Asking:
    """Asks a process that is up, from another address each time."""

    def __init__(self, pair: Pair, recorder: Recorder, random: Random, http: httpx2.AsyncHTTPTransport) -> None:
        self.recorder = recorder
        self.pair = pair
        self._random = random
        self._http = http
        self._unheard: set[asyncio.Task[httpx2.Response]] = set()

    async def page(self, method: str, path: str, *, form: Mapping[str, str]) -> httpx2.Response | None:
        """What the history need not know, since it changes nothing."""
        at = await self.pair.choose(self._random)
        request = self._request(at, method, path, form, {"Sec-Fetch-Site": "same-origin"})
        try:
            return await self.exchange(request)
        except (httpx2.TransportError, TimeoutError):
            return None

    async def answer(
        self,
        number: int,
        method: str,
        path: str,
        *,
        form: Mapping[str, str] | None = None,
        cookies: str = "",
        headers: Mapping[str, str] | None = None,
        patience: float = PATIENCE,
        at: int | None = None,
    ) -> httpx2.Response | None:
        """Ask one of the two; None, and recorded as such, where nobody knows what became of it."""
        at = await self.pair.choose(self._random) if at is None else at
        sent = {"Sec-Fetch-Site": "same-origin", **({"Cookie": cookies} if cookies else {}), **(headers or {})}
        self.pair.busy[at] += 1
        asked = asyncio.create_task(self.exchange(self._request(at, method, path, form, sent)))
        self._unheard.add(asked)
        await asyncio.wait({asked}, timeout=patience)
        self.pair.busy[at] -= 1
        if not asked.done():
            self.recorder.complete(number, "info", reason="hung_up")
            return None
        self._unheard.discard(asked)
        try:
            return asked.result()
        except httpx2.ConnectError:
            self.recorder.complete(number, "fail", reason="not_sent")
        except (httpx2.TransportError, TimeoutError) as error:
            self.recorder.complete(number, "info", reason=type(error).__name__)
        return None

    async def hear_out(self) -> None:
        """Wait for the answers that nobody waited for."""
        await asyncio.gather(*self._unheard, return_exceptions=True)

    async def exchange(self, request: httpx2.Request) -> httpx2.Response:
        """Send it, to whomever. Raises `httpx2.TransportError` or `TimeoutError`."""
        async with asyncio.timeout(PATIENCE):
            answer = await self._http.handle_async_request(request)
            try:
                await answer.aread()
            finally:
                await answer.aclose()
        return answer

    def done(self, number: int, answer: httpx2.Response, **learnt: Any) -> None:
        """Record that it was done."""
        self.recorder.complete(number, "ok", request_id=answer.headers.get("X-Request-Id", ""), **learnt)

    def refused(self, number: int, answer: httpx2.Response, reasons: Mapping[int, str] | None = None) -> None:
        """Record why: an `error`, where there is one, or what `reasons` say that this status means."""
        status = answer.status_code
        error = parse_qs(urlsplit(answer.headers.get("Location", "")).query).get("error", [""])[0]
        if status == 400 and "json" in answer.headers.get("Content-Type", ""):
            error = answer.json()["error"]
        reason = error or (reasons or {}).get(status, f"unexpected {status}")
        outcome: Outcome = "info" if status == 503 or error in _NOBODY_KNOWS else "fail"
        if outcome == "info":
            reason = f"{status} {error}"
        request_id = answer.headers.get("X-Request-Id", "")
        self.recorder.complete(number, outcome, reason=reason, request_id=request_id)

    def _request(
        self, at: int, method: str, path: str, form: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> httpx2.Request:
        somewhere = ".".join(str(self._random.randrange(1, 255)) for _ in range(4))
        sent = {**headers, "X-Forwarded-For": somewhere}
        return httpx2.Request(
            method, self.pair.urls[at] + path, data=None if form is None else dict(form), headers=sent
        )
