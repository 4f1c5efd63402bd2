"""Owns the verifier for asyncio: one task at a time fetches, the others wait without blocking the loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from types import TracebackType

from partner_ops_verifier.async_follower import AsyncFollower
from partner_ops_verifier.errors import VerifierUnavailable
from partner_ops_verifier.feed import Feed
from partner_ops_verifier.follower import Follower
from partner_ops_verifier.http import AsyncFetch, AsyncHttp, HttpFailed, walk_async
from partner_ops_verifier.judge import LEEWAY_SECONDS, MOST_REMEMBERED, Clocks, Judge
from partner_ops_verifier.jwk import VerifyingKey
from partner_ops_verifier.published import Refresh, published_keys
from partner_ops_verifier.session import Session
from partner_ops_verifier.stdlib_http import StdlibHttp, ThreadedHttp
from partner_ops_verifier.token import receive

_log = logging.getLogger("partner_ops_verifier")


class AsyncVerifier:
    """As `Verifier`, awaited. Without an `http` of your own it fetches in threads, and a thread follows the feed.

    With one, such as `AiohttpHttp`, everything is a task of the loop in which `verify` is first called.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        *,
        leeway: int = LEEWAY_SECONDS,
        feed: Feed | None = None,
        trusted_origins: Collection[str] = (),
        remembered: int = MOST_REMEMBERED,
        base_url: str | None = None,
        http: AsyncHttp | None = None,
        clocks: Clocks | None = None,
    ) -> None:
        self._judge = Judge(
            issuer,
            audience,
            leeway=leeway,
            feed=feed,
            trusted_origins=trusted_origins,
            remembered=remembered,
            base_url=base_url,
            clocks=clocks or Clocks(),
        )
        threaded = ThreadedHttp(StdlibHttp())
        self._http: AsyncFetch = http or threaded
        self._refreshing = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._follower: Follower | AsyncFollower | None = None
        if self._judge.following is not None and http is not None:
            self._follower = AsyncFollower(self._judge.following, http, self._judge.clocks)
        elif self._judge.following is not None:
            self._follower = Follower(self._judge.following, threaded.plain, self._judge.clocks)

    async def __aenter__(self) -> AsyncVerifier:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    def start(self) -> None:
        """Follow the feed from now on; the first `verify` does so too."""
        if self._follower is not None:
            self._follower.ensure()

    async def close(self) -> None:
        """Follow no more. Harmless when nothing was followed."""
        if isinstance(self._follower, AsyncFollower):
            await self._follower.close()
        elif self._follower is not None:
            await asyncio.to_thread(self._follower.close)

    async def verify(self, token: str, *, proof: str | None = None, method: str = "", url: str = "") -> Session:
        """The Session of a session JWT that is good now. Raises `TokenRefused`, `VerifierUnavailable`.

        `proof`: the header DPoP, where the token came by that scheme, of a request to `url` by `method` (RFC 9449).
        """
        session = await self._verified(token)
        return self._judge.held(session, token, proof, method, url)

    def url_of(self, path: str) -> str:
        """The address, as Applications know it, of a path that is spelt as in a request: what a proof has to name."""
        return self._judge.url_of(path)

    async def _verified(self, token: str) -> Session:
        if self._follower is not None:
            self._follower.ensure()
        judge = self._judge
        sent = receive(token)
        session = judge.remembered(sent)
        if session is not None:
            return session
        opened, header = judge.begin(sent)
        key = await self._key(header.kid)
        session, reference = judge.signed(sent, opened, header, key)
        if reference is not None:
            asked = judge.asked(token, reference)
            try:
                answer = await self._http.fetch(asked)
            except HttpFailed as problem:
                raise VerifierUnavailable("authorizations_unavailable", str(problem)) from None
            session = judge.referred(session, reference, answer)
        return judge.admit(sent, session, key)

    async def _key(self, kid: str) -> VerifyingKey:
        """The published key of that name; one task fetches, and only those wait who have no key."""
        keys, steady = self._judge.keys, self._judge.clocks.steady
        key, refresh = keys.look(kid, steady())
        refreshing = self._lock()
        if key is not None and (refresh is Refresh.NO or refreshing.locked()):
            return key
        try:
            await asyncio.wait_for(refreshing.acquire(), keys.patience)
        except TimeoutError:
            raise VerifierUnavailable("keys_unavailable", "somebody is fetching them") from None
        try:
            key, refresh = keys.look(kid, steady())  # somebody may have fetched meanwhile
            if refresh is not Refresh.NO:
                await self._refresh()
                key, _ = keys.look(kid, steady())
        finally:
            refreshing.release()
        if key is None:
            raise VerifierUnavailable("keys_unavailable")
        return key

    def _lock(self) -> asyncio.Lock:
        """Of the running loop: some programs, and many tests, have one after the other."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._refreshing = loop, asyncio.Lock()
        return self._refreshing

    async def _refresh(self) -> None:
        keys = self._judge.keys
        try:
            found, fresh_for = await walk_async(published_keys(self._judge.source, keys.known), self._http)
        except HttpFailed as problem:
            _log.warning("the issuer's keys cannot be had: %s", problem)
            keys.fail(self._judge.clocks.steady())
        else:
            keys.take(found, fresh_for, self._judge.clocks.steady())
