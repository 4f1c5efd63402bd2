"""Owns what is asked of whoever speaks HTTP for a verifier. Two protocols: one plain, one for asyncio.

An implementation follows no redirect, checks certificates, and bounds time and size. It raises `HttpFailed` and
nothing else.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

TIMEOUT_SECONDS: Final = 5.0
"""For one whole exchange, and for the beginning of a stream."""
SILENCE_SECONDS: Final = 45.0
"""For a stream that says nothing: three heartbeats."""
LARGEST_ANSWER: Final = 4 * 1024 * 1024
"""Bytes."""


class HttpFailed(Exception):
    """No usable answer: refused, too slow, too large, or cut off. The text is for the log, without any secret."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """GET, or POST where there is a body. Headers and body may hold secrets, and so have no repr."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came back, whatever its status. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Stream(Protocol):
    """An answer whose body has no end."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    def read(self) -> bytes:
        """What came next; empty at the end. Raises `HttpFailed`, also after `SILENCE_SECONDS`."""
        ...

    def close(self) -> None:
        """End it. May be called by another thread, whose `read` then ends; harmless when it has ended."""
        ...


class Http(Protocol):
    """Speaks HTTP. Used by several threads at once."""

    def fetch(self, request: Request) -> Answer:
        """The whole answer, of `LARGEST_ANSWER` at most. Raises `HttpFailed`."""
        ...

    def open(self, request: Request) -> Stream:
        """The beginning of an answer. Raises `HttpFailed`."""
        ...


class AsyncStream(Protocol):
    """As `Stream`."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    async def read(self) -> bytes:
        """As `Stream.read`."""
        ...

    async def close(self) -> None:
        """End it; harmless when it has ended."""
        ...


class AsyncFetch(Protocol):
    """The half of `AsyncHttp` that needs no stream."""

    async def fetch(self, request: Request) -> Answer:
        """As `Http.fetch`."""
        ...


class AsyncHttp(AsyncFetch, Protocol):
    """As `Http`, for asyncio."""

    async def open(self, request: Request) -> AsyncStream:
        """As `Http.open`."""
        ...


Found = TypeVar("Found")
Steps = Generator[Request, Answer, Found]
"""What is to be asked, one request after another, and what is made of the answers. Knows nothing of sockets."""


def walk(steps: Steps[Found], http: Http) -> Found:
    """Take the steps. Raises what they raise, and `HttpFailed`."""
    try:
        request = next(steps)
        while True:
            request = steps.send(http.fetch(request))
    except StopIteration as done:
        found: Found = done.value
        return found


async def walk_async(steps: Steps[Found], http: AsyncFetch) -> Found:
    """As `walk`."""
    try:
        request = next(steps)
        while True:
            request = steps.send(await http.fetch(request))
    except StopIteration as done:
        found: Found = done.value
        return found
