"""The three ways of verifying, asked alike: plain, for asyncio with threads, for asyncio with aiohttp."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal, Protocol

import aiohttp

from partner_ops_verifier import AsyncVerifier, Session, Verifier
from partner_ops_verifier.aiohttp import AiohttpHttp
from partner_ops_verifier.testing import AUDIENCE

Kind = Literal["plain", "asyncio", "aiohttp"]
KINDS: tuple[Kind, ...] = ("plain", "asyncio", "aiohttp")


class Asked(Protocol):
    """A verifier, whichever."""

    async def verify(self, token: str) -> Session: ...


class InThread:
    """A plain verifier, each call in a thread of its own."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    async def verify(self, token: str) -> Session:
        return await asyncio.to_thread(self._verifier.verify, token)


@asynccontextmanager
async def verifying(kind: Kind, issuer: str, audience: str = AUDIENCE, **options: Any) -> AsyncIterator[Asked]:
    """A verifier of this kind, followed by its end."""
    if kind == "plain":
        plain = Verifier(issuer, audience, **options)
        try:
            plain.start()
            yield InThread(plain)
        finally:
            await asyncio.to_thread(plain.close)
    elif kind == "asyncio":
        async with AsyncVerifier(issuer, audience, **options) as verifier:
            yield verifier
    else:
        async with (
            aiohttp.ClientSession() as session,
            AsyncVerifier(issuer, audience, http=AiohttpHttp(session), **options) as verifier,
        ):
            yield verifier
