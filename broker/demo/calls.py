"""One outgoing HTTP call, bounded in time and size, as the demo Application and service make them.

Refuses redirects and oversized answers, and keeps no cookies or connections between calls.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp

TIMEOUT_SECONDS = 10
LARGEST_ANSWER_BYTES = 256 * 1024


class Unreachable(Exception):
    """The other side gave no usable answer: refused, too slow, too large, or cut off."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came back: the HTTP status and the body, which may hold tokens and so has no repr."""

    status: int
    body: bytes = field(repr=False)

    def json(self) -> Mapping[str, Any]:
        """The body as a JSON object; raises `Unreachable` when it is anything else."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            raise Unreachable("the answer is not JSON") from None
        if not isinstance(value, dict):
            raise Unreachable("the answer is not a JSON object")
        return value


class Call(Protocol):
    """Makes one HTTP request; raises `Unreachable`. A `form` makes it a POST; `bearer` goes in the header."""

    async def __call__(
        self, url: str, *, form: Mapping[str, str] | None = None, bearer: str | None = None
    ) -> Answer: ...


async def call(url: str, *, form: Mapping[str, str] | None = None, bearer: str | None = None) -> Answer:
    """`Call` over the network."""
    headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
    try:
        async with (
            aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS), cookie_jar=aiohttp.DummyCookieJar()
            ) as session,
            session.request(
                "GET" if form is None else "POST", url, data=form, headers=headers, allow_redirects=False
            ) as response,
        ):
            body = await _bounded(response)
            return Answer(status=response.status, body=body)
    except (aiohttp.ClientError, TimeoutError):
        raise Unreachable("no answer") from None


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > LARGEST_ANSWER_BYTES:
            raise Unreachable("the answer is too large")
    return bytes(body)
