"""Grants, codes and tokens of the demo Provider, in memory.

A dead grant gives nothing, a spent code is never taken again, and ending a grant ends all its tokens.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from broker.demo.provider.authorize_request import AuthorizeRequest
from broker.demo.provider.personas import Persona

CODE_LIFE_SECONDS = 60
ACCESS_TOKEN_LIFE_SECONDS = 3599  # what Google says
FORGET_AFTER_SECONDS = 2 * 3600


@dataclass(kw_only=True, slots=True)
class Grant:
    """What one persona allowed one registration. `revoked_at` is None while it lives."""

    persona: Persona
    client_id: str
    scopes: frozenset[str]
    created_at: int
    revoked_at: int | None = None

    @property
    def alive(self) -> bool:
        return self.revoked_at is None


@dataclass(kw_only=True, slots=True)
class Code:
    """One authorization code: what was allowed, and what must be proven to redeem it."""

    value: str = field(repr=False)
    grant: Grant
    request: AuthorizeRequest
    scopes: frozenset[str]
    with_refresh_token: bool
    fault: str | None
    expires_at: int
    spent: bool = False


@dataclass(kw_only=True, slots=True)
class Token:
    """An access token, or a refresh token, which has no end of its own (`expires_at` None)."""

    value: str = field(repr=False)
    grant: Grant
    scopes: frozenset[str]
    code: str = field(repr=False)
    expires_at: int | None
    fault: str | None = None
    dead: bool = False

    def works(self, now: int) -> bool:
        return self.grant.alive and not self.dead and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuedSecret:
    """One secret that left the Provider: `code`, `access_token`, `refresh_token` or `id_token`."""

    kind: str
    value: str = field(repr=False)


class Grants:
    """Everything allowed so far, and the secrets that came of it."""

    def __init__(self) -> None:
        self.all: list[Grant] = []
        self.issued: list[IssuedSecret] = []
        self._living: dict[tuple[str, str], Grant] = {}
        self._codes: dict[str, Code] = {}
        self._access: dict[str, Token] = {}
        self._refresh: dict[str, Token] = {}

    def living(self, persona: Persona, client_id: str) -> Grant | None:
        """The grant that this persona gave this registration, if it lives."""
        return self._living.get((persona.persona_id, client_id))

    def allow(
        self,
        persona: Persona,
        request: AuthorizeRequest,
        scopes: frozenset[str],
        *,
        fault: str | None,
        now: int,
    ) -> Code:
        """Record the persona's consent and make the code for it."""
        client_id = request.registration.client_id
        grant = self.living(persona, client_id)
        first = grant is None
        if grant is None:
            grant = Grant(persona=persona, client_id=client_id, scopes=scopes, created_at=now)
            self.all.append(grant)
            self._living[persona.persona_id, client_id] = grant
        grant.scopes |= scopes
        code = Code(
            value=self._mint("code", "4/0A"),
            grant=grant,
            request=request,
            scopes=grant.scopes if request.include_granted_scopes else scopes,
            # Google: a refresh token at the first consent only, unless consent is asked for again.
            with_refresh_token=request.offline and (first or "consent" in request.prompts),
            fault=fault,
            expires_at=now + CODE_LIFE_SECONDS,
        )
        self._forget(now)
        self._codes[code.value] = code
        return code

    def code(self, value: str) -> Code | None:
        return self._codes.get(value)

    def replayed(self, code: Code) -> None:
        """Kill what came of a code that is presented again (RFC 6749 section 4.1.2)."""
        for token in (*self._access.values(), *self._refresh.values()):
            token.dead = token.dead or token.code == code.value

    def access_token(self, source: Code | Token, *, fault: str | None, now: int) -> Token:
        token = Token(
            value=self._mint("access_token", "ya29."),
            grant=source.grant,
            scopes=source.scopes,
            code=source.value if isinstance(source, Code) else source.code,
            expires_at=now + ACCESS_TOKEN_LIFE_SECONDS,
            fault=fault,
        )
        self._access[token.value] = token
        return token

    def refresh_token(self, code: Code) -> Token:
        token = Token(
            value=self._mint("refresh_token", "1//0"),
            grant=code.grant,
            scopes=code.scopes,
            code=code.value,
            expires_at=None,
        )
        self._refresh[token.value] = token
        return token

    def find_access(self, value: str, now: int) -> Token | None:
        token = self._access.get(value)
        return token if token and token.works(now) else None

    def find_refresh(self, value: str, now: int) -> Token | None:
        token = self._refresh.get(value)
        return token if token and token.works(now) else None

    def revoke(self, grant: Grant, now: int) -> None:
        """End the whole grant: every scope, every token, and the memory of the consent."""
        grant.revoked_at = now
        self._living.pop((grant.persona.persona_id, grant.client_id), None)

    def record(self, kind: str, value: str) -> None:
        self.issued.append(IssuedSecret(kind=kind, value=value))

    def _mint(self, kind: str, prefix: str) -> str:
        value = prefix + secrets.token_urlsafe(32)
        self.record(kind, value)
        return value

    def _forget(self, now: int) -> None:
        # Both are in the order of their making, so that a long run does not grow without end.
        for table in (self._codes, self._access):
            while table:
                oldest = next(iter(table))
                if (table[oldest].expires_at or 0) + FORGET_AFTER_SECONDS > now:
                    break
                del table[oldest]
