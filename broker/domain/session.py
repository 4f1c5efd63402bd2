"""Owns the Session: the broker's revocable record of a signed-in browser.

Refuses a session past its idle or absolute end.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from broker.domain.ids import ConnectionId, KeyedHash, SessionId, UserId

ABSOLUTE_LIFETIME = 12 * 3600
"""NIST SP 800-63B-4 section 2.2.3: re-authentication at least every 12 to 24 hours at AAL2; the shorter is ours."""
IDLE_LIFETIME = 3600
"""NIST SP 800-63B-4 section 2.2.3: an hour of inactivity ends the session."""
TOUCH_EVERY = 60
"""A Session's `last_seen_at` is written at most this often, so that reading a page costs no write."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A signed-in browser. `secret` is the keyed hash of its cookie; `browser` a coarse label ("Firefox on Linux").

    `upstream_sid`: the keyed hash of what the Provider calls its own session, if it does.
    """

    id: SessionId
    secret: KeyedHash = field(repr=False)
    user_id: UserId
    connection_id: ConnectionId
    browser: str
    auth_time: int
    last_seen_at: int
    ended_at: int | None
    upstream_sid: KeyedHash | None = field(default=None, repr=False)

    def is_live(self, now: int) -> bool:
        """Neither ended, nor idle too long, nor past its absolute lifetime."""
        return (
            self.ended_at is None
            and now < self.last_seen_at + IDLE_LIFETIME
            and now < self.auth_time + ABSOLUTE_LIFETIME
        )

    def needs_touch(self, now: int) -> bool:
        """Whether it is time to write down that the browser was seen."""
        return now >= self.last_seen_at + TOUCH_EVERY


def renewed(before: Session, *, secret: KeyedHash, browser: str, upstream_sid: KeyedHash | None, now: int) -> Session:
    """The same Session after its User has signed in again: under a new cookie, from now on for as long as a new one."""
    return replace(before, secret=secret, browser=browser, upstream_sid=upstream_sid, auth_time=now, last_seen_at=now)


def new_session(
    *,
    id: SessionId,
    secret: KeyedHash,
    user_id: UserId,
    connection_id: ConnectionId,
    browser: str,
    upstream_sid: KeyedHash | None,
    now: int,
) -> Session:
    """A Session that begins now."""
    return Session(
        id=id,
        secret=secret,
        user_id=user_id,
        connection_id=connection_id,
        browser=browser,
        auth_time=now,
        last_seen_at=now,
        ended_at=None,
        upstream_sid=upstream_sid,
    )
