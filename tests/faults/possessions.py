"""What a person and an Application hold: browsers that are signed in, authorize requests, families of tokens.

Shows no secret in its `repr`; the history knows all of it by marks.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field

from broker.domain.pkce import challenge_of
from broker.domain.session_token import LIFETIME
from tests.faults.history import mark
from tests.faults.pair import REDIRECT_URI


@dataclass(kw_only=True, eq=False)
class Session:
    """A browser that is signed in. `over`: somebody was told that it is not any more."""

    user: str
    cookie: str = field(repr=False)
    csrf: str = field(repr=False, default="")
    over: bool = False

    @property
    def name(self) -> str:
        """By which the history knows it."""
        return mark(self.cookie)


@dataclass(kw_only=True, eq=False)
class Family:
    """What came of one code. `tokens`: its refresh tokens, the newest last; `issued_at` of its session JWT.

    `over`: somebody was told so.
    """

    session: Session
    application: str
    code: str = field(repr=False)
    verifier: str = field(repr=False)
    tokens: list[str] = field(repr=False, default_factory=list)
    jwt: str = field(repr=False, default="")
    issued_at: float = 0.0
    over: bool = False

    def is_fresh(self) -> bool:
        """Whether its session JWT is surely not over by itself."""
        return time.time() - self.issued_at < LIFETIME - 60

    @property
    def known(self) -> dict[str, str]:
        """What the history is told of it."""
        session = self.session
        return {
            "code": mark(self.code),
            "user": session.user,
            "session": session.name,
            "application": self.application,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """An authorize request."""

    application: str
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)

    @property
    def parameters(self) -> dict[str, str]:
        """As it is sent."""
        return {
            "client_id": self.application,
            "redirect_uri": REDIRECT_URI,
            "response_type": "code",
            "scope": "openid email offline_access",
            "state": "of-the-application",
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
        }
