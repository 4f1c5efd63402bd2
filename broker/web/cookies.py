"""Owns the browser's cookies: the Session's, one for each sign-in attempt, and those of a service behind a gateway.

Refuses to be readable by scripts, by other hosts, or (over https) without TLS: `__Host-`, RFC 6265bis
section 4.1.3.2.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response

from broker.domain import attempt
from broker.domain.session import ABSOLUTE_LIFETIME

_DIGEST = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Cookies:
    """Names and attributes. `secure` unless whose they are, the broker or a service, is plain http on a loopback host.

    A gateway's lie on its service's host: the broker's own pages never get them, nor the service the Session's.
    """

    secure: bool

    @property
    def session(self) -> str:
        """Name of the Session cookie."""
        return f"{self._prefix}partner_ops_session"

    def attempt(self, state: str) -> str:
        """Name of the cookie of the attempt with this `state`: one each, so that tabs do not disturb each other."""
        return _one_of(self._attempts, state)

    def short(self, state: str) -> str:
        """What a form of ours calls that cookie by: the state itself is for the Provider's answer alone."""
        return _digest(state)

    def attempt_called(self, short: str) -> str:
        """Name of the cookie that `short` stands for; for anything else, of none that there is."""
        return f"{self._attempts}{short if _DIGEST.fullmatch(short) else ''}"

    def gateway(self, application_id: str) -> str:
        """Name of the cookie that admits to a service: services on one host do not disturb each other."""
        return f"{self._prefix}partner_ops_gateway_{application_id}"

    def trip(self, state: str) -> str:
        """Name of the cookie of a trip to sign in for a service, as of an attempt."""
        return _one_of(self._trips, state)

    def set_session(self, response: Response, value: str) -> None:
        """Sign this browser in. SameSite=Lax: the Provider's redirect back must find it."""
        self._set(response, self.session, value, ABSOLUTE_LIFETIME)

    def set_attempt(self, response: Response, state: str, value: str, present: Mapping[str, str]) -> None:
        """Remember a trip; with too many pending in this browser the others are forgotten, lest the header overflow."""
        self._set_pending(response, self._attempts, state, value, present)

    def keep_attempt(self, response: Response, state: str, value: str) -> None:
        """Remember a trip that is remembered already, as it is now and for as long again."""
        self._set(response, self.attempt(state), value, attempt.LIFETIME)

    def set_gateway(self, response: Response, application_id: str, value: str) -> None:
        """Admit this browser, no longer than its Session may last."""
        self._set(response, self.gateway(application_id), value, ABSOLUTE_LIFETIME)

    def set_trip(self, response: Response, state: str, value: str, present: Mapping[str, str]) -> None:
        """Remember a trip to sign in for a service, as an attempt is."""
        self._set_pending(response, self._trips, state, value, present)

    def clear(self, response: Response, name: str) -> None:
        """Take a cookie away."""
        self._set(response, name, "", 0)

    @property
    def _prefix(self) -> str:
        return "__Host-" if self.secure else ""

    @property
    def _attempts(self) -> str:
        return f"{self._prefix}partner_ops_attempt_"

    @property
    def _trips(self) -> str:
        return f"{self._prefix}partner_ops_trip_"

    def _set_pending(self, response: Response, names: str, state: str, value: str, present: Mapping[str, str]) -> None:
        # Whoever asks chooses the names of cookies; not every one could be written into an answer.
        pending = [name for name in present if name.startswith(names) and _DIGEST.fullmatch(name[len(names) :])]
        too_many = max(0, len(pending) + 1 - attempt.MAX_IN_ONE_BROWSER)
        for name in pending[:too_many]:  # browsers send the oldest first (RFC 6265 section 5.4)
            self.clear(response, name)
        self._set(response, _one_of(names, state), value, attempt.LIFETIME)

    def _set(self, response: Response, name: str, value: str, max_age: int) -> None:
        response.set_cookie(name, value, max_age=max_age, path="/", secure=self.secure, httponly=True, samesite="lax")


def _one_of(names: str, state: str) -> str:
    return f"{names}{_digest(state)}"


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()[:16]
