"""Owns the browser's cookies: the Session's, and one for each sign-in attempt.

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
    """Names and attributes. `secure` unless the issuer is plain http on a loopback host."""

    secure: bool

    @property
    def session(self) -> str:
        """Name of the Session cookie."""
        return f"{self._prefix}partner_ops_session"

    def attempt(self, state: str) -> str:
        """Name of the cookie of the attempt with this `state`: one each, so that tabs do not disturb each other."""
        return f"{self._attempts}{hashlib.sha256(state.encode()).hexdigest()[:16]}"

    def set_session(self, response: Response, value: str) -> None:
        """Sign this browser in. SameSite=Lax: the Provider's redirect back must find it."""
        self._set(response, self.session, value, ABSOLUTE_LIFETIME)

    def set_attempt(self, response: Response, state: str, value: str, present: Mapping[str, str]) -> None:
        """Remember a trip; with too many pending in this browser the others are forgotten, lest the header overflow."""
        pending = [name for name in present if self._is_attempt(name)]
        too_many = max(0, len(pending) + 1 - attempt.MAX_IN_ONE_BROWSER)
        for name in pending[:too_many]:  # browsers send the oldest first (RFC 6265 section 5.4)
            self.clear(response, name)
        self._set(response, self.attempt(state), value, attempt.LIFETIME)

    def clear(self, response: Response, name: str) -> None:
        """Take a cookie away."""
        self._set(response, name, "", 0)

    @property
    def _prefix(self) -> str:
        return "__Host-" if self.secure else ""

    @property
    def _attempts(self) -> str:
        return f"{self._prefix}partner_ops_attempt_"

    def _is_attempt(self, name: str) -> bool:
        # Whoever asks chooses the names of cookies; not every one could be written into an answer.
        return name.startswith(self._attempts) and _DIGEST.fullmatch(name[len(self._attempts) :]) is not None

    def _set(self, response: Response, name: str, value: str, max_age: int) -> None:
        response.set_cookie(name, value, max_age=max_age, path="/", secure=self.secure, httponly=True, samesite="lax")
