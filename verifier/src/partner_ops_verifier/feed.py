"""Owns the following of revocations: what is asked of the feed, what its events mean, how long silence is borne.

Does no input or output: a thread or a task moves the bytes. Refuses events that it cannot read, and begins anew then.
"""

from __future__ import annotations

import base64
import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote_plus

from partner_ops_verifier.errors import VerifierUnavailable
from partner_ops_verifier.events import Event, EventReader, StreamBroken
from partner_ops_verifier.http import HttpFailed, Request, Steps
from partner_ops_verifier.places import REVOCATIONS_PATH
from partner_ops_verifier.published import Source, document, endpoint, metadata
from partner_ops_verifier.revoked import RevokedSet, revocation
from partner_ops_verifier.spelling import json_object

SCOPE: Final = "revocations"
BYTES_EACH: Final = 512
"""Of a snapshot, for each entry that may be held."""
SHORTEST_WAIT, LONGEST_WAIT = 0.5, 30.0
"""Seconds between two connections; doubled each time in vain."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Feed:
    """How a service hears of revocations, as which Application (of `client_credentials`).

    `closed_after`: seconds of silence after which nothing is accepted any more. None, the default, is open: without
    the feed a token stays good until it expires, five minutes at most, and an outage of the issuer does not become
    one of the service. `most`: entries that are held; beyond it the set is incomplete, which a closed verifier
    takes like silence.
    """

    application_id: str
    secret: str = field(repr=False)
    closed_after: float | None = None
    most: int = 100_000

    def __post_init__(self) -> None:
        if not self.application_id or not self.secret:
            raise ValueError("a feed needs an Application's name and secret")
        if self.most < 1 or (self.closed_after is not None and not 0 < self.closed_after < math.inf):
            raise ValueError("a feed's bounds are greater than nothing")


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessToken:
    """What opens the feed, until a steady clock's second."""

    text: str = field(repr=False)
    good_until: float


def access_token(source: Source, feed: Feed, at: float) -> Steps[AccessToken]:
    """The steps to a token of the client credentials grant (RFC 6749 section 4.4), by HTTP Basic (section 2.3.1)."""
    found = yield from metadata(source)
    basic = base64.b64encode(f"{quote_plus(feed.application_id)}:{quote_plus(feed.secret)}".encode()).decode()
    answer = yield Request(
        url=endpoint(found, "token_endpoint", source.own_origin),
        headers={
            "Accept": "application/json",
            "Authorization": f"Basic {basic}",
            "Content-Type": "application/x-www-form-urlencoded",
        },
        body=f"grant_type=client_credentials&scope={SCOPE}".encode(),
    )
    token = document(answer, "token answer")
    text, kind, life = token.get("access_token"), token.get("token_type"), token.get("expires_in", 0)
    if not isinstance(text, str) or not text.isascii() or not text.isprintable() or type(life) is not int:
        raise HttpFailed("the token answer holds no token")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise HttpFailed("the token answer is of another kind")
    return AccessToken(text=text, good_until=at + life * 0.8)


class Following:
    """The state of one follower. `now` is the wall clock, `at` a steady one."""

    def __init__(self, source: Source, feed: Feed, *, leeway: int) -> None:
        self.source = source
        self.feed = feed
        self.revoked = RevokedSet(most=feed.most, leeway=leeway)
        self._cursor: int | None = None
        self._heard_at = -math.inf
        self._access: AccessToken | None = None
        self._reader = EventReader(most=0)
        self._in_vain = 0

    @property
    def cursor(self) -> int | None:
        """The last event that was taken; None while the whole set has to be asked for."""
        return self._cursor

    def check(self, now: int, at: float) -> None:
        """Raises `VerifierUnavailable` where the service wants to be closed and revocations may have been missed."""
        if self.feed.closed_after is None:
            return
        if at - self._heard_at > self.feed.closed_after:
            raise VerifierUnavailable("revocations_unavailable", "silence")
        if not self.revoked.complete(now):
            raise VerifierUnavailable("revocations_unavailable", "more revocations than are held")

    def access(self, at: float) -> AccessToken | None:
        """A token that is still good for the feed."""
        return self._access if self._access is not None and at < self._access.good_until else None

    def request(self, token: AccessToken) -> Request:
        """What opens the feed, where it was left."""
        self._access = token
        self._reader = EventReader(most=(self.feed.most + 1) * BYTES_EACH)
        headers = {
            "Accept": "text/event-stream",
            "Authorization": f"Bearer {token.text}",
            "Cache-Control": "no-store",
        }
        if self._cursor is not None:
            headers["Last-Event-ID"] = str(self._cursor)
        return Request(url=f"{self.source.issuer}{REVOCATIONS_PATH}", headers=headers)

    def opened(self, status: int) -> None:
        """Raises `HttpFailed` for everything but a stream."""
        if status in (401, 403):
            self._access = None
        if status != 200:
            raise HttpFailed(f"status {status} of the revocations")

    def received(self, chunk: bytes, now: int, at: float) -> None:
        """Take what came. Raises `HttpFailed` for what cannot be read; the next connection asks for everything."""
        try:
            for event in self._reader.read(chunk):
                self._take(event, now, at)
        except (StreamBroken, ValueError) as problem:
            self._cursor = None
            raise HttpFailed(f"the feed cannot be read: {problem}") from None

    def wait(self) -> float:
        """Seconds until the next connection: longer each time in vain, and never all followers at once."""
        longest = min(LONGEST_WAIT, SHORTEST_WAIT * 2.0 ** min(self._in_vain, 10))
        self._in_vain += 1
        return longest * (0.5 + secrets.randbelow(1000) / 2000)

    def _take(self, event: Event, now: int, at: float) -> None:
        if event.kind == "snapshot":
            self._begin(json_object(event.data.encode()), now)
        elif event.kind == "revoked":
            cursor = _number(event.last_id)
            self.revoked.add(revocation(json_object(event.data.encode())), now)
            if self._cursor is not None:
                self._cursor = cursor
        elif event.kind == "heartbeat":
            self.revoked.forget_expired(now)
        if self._cursor is not None:  # without the whole set, later events say little
            self._heard_at, self._in_vain = at, 0

    def _begin(self, snapshot: Mapping[str, Any], now: int) -> None:
        cursor, entries = snapshot.get("cursor"), snapshot.get("revoked")
        if type(cursor) is not int or type(entries) is not list or not all(type(one) is dict for one in entries):
            raise ValueError("a snapshot without cursor or entries")
        self.revoked.replace([revocation(one) for one in entries], now)
        self._cursor = cursor


def _number(cursor: str) -> int:
    if not cursor.isascii() or not cursor.isdecimal():
        raise ValueError("an event without a cursor")
    return int(cursor)
