"""Owns the plain verifier: any thread may ask it, and one at a time fetches. A thread of its own follows the feed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from types import TracebackType

from partner_ops_verifier.errors import VerifierUnavailable
from partner_ops_verifier.feed import Feed
from partner_ops_verifier.follower import Follower
from partner_ops_verifier.http import Http, HttpFailed, walk
from partner_ops_verifier.judge import LEEWAY_SECONDS, MOST_REMEMBERED, Clocks, Judge
from partner_ops_verifier.jwk import VerifyingKey
from partner_ops_verifier.published import Refresh, published_keys
from partner_ops_verifier.session import Session
from partner_ops_verifier.stdlib_http import StdlibHttp
from partner_ops_verifier.token import receive

_log = logging.getLogger("partner_ops_verifier")


class Verifier:
    """Make one for the process. `with` ends its thread, if it has a `feed`; so does the end of the process.

    `leeway`: seconds by which clocks may differ. `trusted_origins`: where the issuer's keys may lie beside its own
    origin. `remembered`: how many good tokens need no second look at their signature. `base_url`: where Applications
    reach the service, for proofs of possession; by default at the origin of `audience`. Raises `ValueError`.
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
        http: Http | None = None,
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
        self._http: Http = http or StdlibHttp()
        self._refreshing = threading.Lock()
        following = self._judge.following
        self._follower = None if following is None else Follower(following, self._http, self._judge.clocks)

    def __enter__(self) -> Verifier:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def start(self) -> None:
        """Follow the feed from now on; the first `verify` does so too."""
        if self._follower is not None:
            self._follower.ensure()

    def close(self) -> None:
        """Follow no more. Harmless when nothing was followed."""
        if self._follower is not None:
            self._follower.close()

    def verify(self, token: str, *, proof: str | None = None, method: str = "", url: str = "") -> Session:
        """The Session of a session JWT that is good now. Raises `TokenRefused`, `VerifierUnavailable`.

        `proof`: the header DPoP, where the token came by that scheme, of a request to `url` by `method` (RFC 9449).
        """
        session = self._verified(token)
        return self._judge.held(session, token, proof, method, url)

    def url_of(self, path: str) -> str:
        """The address, as Applications know it, of a path that is spelt as in a request: what a proof has to name."""
        return self._judge.url_of(path)

    def _verified(self, token: str) -> Session:
        if self._follower is not None:
            self._follower.ensure()
        judge = self._judge
        sent = receive(token)
        session = judge.remembered(sent)
        if session is not None:
            return session
        opened, header = judge.begin(sent)
        key = self._key(header.kid)
        session, reference = judge.signed(sent, opened, header, key)
        if reference is not None:
            asked = judge.asked(token, reference)
            try:
                answer = self._http.fetch(asked)
            except HttpFailed as problem:
                raise VerifierUnavailable("authorizations_unavailable", str(problem)) from None
            session = judge.referred(session, reference, answer)
        return judge.admit(sent, session, key)

    def _key(self, kid: str) -> VerifyingKey:
        """The published key of that name; one caller fetches, and only those wait who have no key."""
        keys, steady = self._judge.keys, self._judge.clocks.steady
        key, refresh = keys.look(kid, steady())
        if refresh is Refresh.NO and key is not None:
            return key
        if not self._refreshing.acquire(timeout=0 if key is not None else keys.patience):
            return _present(key)
        try:
            key, refresh = keys.look(kid, steady())  # somebody may have fetched meanwhile
            if refresh is not Refresh.NO:
                self._refresh()
                key, _ = keys.look(kid, steady())
        finally:
            self._refreshing.release()
        return _present(key)

    def _refresh(self) -> None:
        keys = self._judge.keys
        try:
            found, fresh_for = walk(published_keys(self._judge.source, keys.known), self._http)
        except HttpFailed as problem:
            _log.warning("the issuer's keys cannot be had: %s", problem)
            keys.fail(self._judge.clocks.steady())
        else:
            keys.take(found, fresh_for, self._judge.clocks.steady())


def _present(key: VerifyingKey | None) -> VerifyingKey:
    if key is None:
        raise VerifierUnavailable("keys_unavailable", "somebody is fetching them")
    return key
