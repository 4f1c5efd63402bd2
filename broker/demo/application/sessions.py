"""The demo Application's own sessions: pending sign-ins, and who is signed in, per browser.

In memory and bounded; the browser holds an opaque id and nothing else.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

COOKIE = "demo_app"  # cookies ignore ports, so that three servers on localhost share one jar
_MOST_BROWSERS = 1000
_MOST_ATTEMPTS = 10
ATTEMPT_LIFE_SECONDS = 600


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One pending trip to the broker. `started_at` in seconds since the epoch."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    started_at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceAnswer:
    """What the downstream service said for one Client: a report, or the reason why not."""

    client_org: str
    allowed: bool
    status: int | None
    says: str
    rights: Sequence[str] = ()


@dataclass(kw_only=True, slots=True)
class SignedIn:
    """A signed-in User: the verified ID token's claims, and the session JWT with its claims as decoded for display.

    `ended`: the broker has said that the session is over. Real software forgets it then; this one shows what is left.
    """

    id_token: str = field(repr=False)
    identity: Mapping[str, Any] = field(repr=False)
    session_jwt: str = field(repr=False)
    session_claims: Mapping[str, Any] = field(repr=False)
    answers: Sequence[ServiceAnswer] = ()
    asked_at: int = 0
    ended: bool = False


@dataclass(kw_only=True, slots=True)
class BrowserSession:
    """What is known of one browser."""

    attempts: dict[str, Attempt] = field(default_factory=dict)
    signed_in: SignedIn | None = None

    def begin(self, attempt: Attempt) -> None:
        """Remember one more pending sign-in, at the cost of the oldest when there are too many."""
        while len(self.attempts) >= _MOST_ATTEMPTS:
            del self.attempts[next(iter(self.attempts))]
        self.attempts[attempt.state] = attempt

    def take(self, state: str, now: int) -> Attempt | None:
        """The pending sign-in of this state, once."""
        attempt = self.attempts.pop(state, None)
        return attempt if attempt and now < attempt.started_at + ATTEMPT_LIFE_SECONDS else None


class Browsers:
    """All sessions, by the id in the cookie."""

    def __init__(self, *, secure: bool) -> None:
        self._secure = secure
        self._sessions: dict[str, BrowserSession] = {}

    def find(self, request: Request) -> BrowserSession | None:
        """The session of the browser that sent this, if it has one."""
        return self._sessions.get(request.cookies.get(COOKIE, ""))

    def open(self, response: Response, session: BrowserSession) -> None:
        """Give a session a new id and send it along."""
        while len(self._sessions) >= _MOST_BROWSERS:
            del self._sessions[next(iter(self._sessions))]
        browser = secrets.token_urlsafe(32)
        self._sessions[browser] = session
        response.set_cookie(COOKIE, browser, httponly=True, samesite="lax", secure=self._secure)

    def end(self, sub: str, sid: str | None) -> None:
        """Sign this User out in every browser that signed in by the broker's session `sid`; None: in all of theirs."""
        for session in self._sessions.values():
            signed_in = session.signed_in
            if signed_in is not None and signed_in.identity["sub"] == sub:
                signed_in.ended = signed_in.ended or sid in (None, signed_in.identity.get("sid"))

    def close(self, request: Request, response: Response | None = None) -> None:
        """Forget the session of this browser; with a response, its cookie too."""
        self._sessions.pop(request.cookies.get(COOKIE, ""), None)
        if response is not None:
            response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=self._secure)
