"""An `Upstream` without a network: Providers, the people who have accounts there, and what goes wrong.

It behaves as Google does, whose ways are the hardest: a refresh token comes with the first consent only, and revoking
any token ends them all. Refuses codes of other trips, and codes that were used before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit

from broker.domain.attempt import SignInAttempt
from broker.domain.connection import UpstreamTokens
from broker.domain.errors import BrokerError, Fault, Refusal
from broker.domain.identity import ProviderIdentity
from broker.domain.ids import RegistrationId
from broker.domain.outbox import RevocationResult
from broker.flows.ports import Callback, RegistrationFacts
from broker.flows.proven import UpstreamLogout, VerifiedSignIn

TOKENS_LIVE_FOR = 3600
BASE_SCOPES = ("openid",)
SCOPES = {"email": "email", "name": "profile", "picture": "profile", "locale": "profile"}
"""Attribute -> the scope that it needs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """An account at a Provider, and what the Provider says about whoever has it."""

    registration: RegistrationId
    subject: str
    profile: Mapping[str, object]
    verified_email: str | None
    granted_scopes: frozenset[str] = frozenset({"openid", "email", "profile"})

    @property
    def identity(self) -> ProviderIdentity:
        """As it stands in a verified answer."""
        issuer = f"https://{self.registration}.example"
        return ProviderIdentity(registration=self.registration, issuer=issuer, subject=self.subject)


@dataclass(frozen=True, kw_only=True, slots=True)
class Departure:
    """A browser that was sent to a Provider."""

    attempt: SignInAttempt
    login_hint: str | None
    prompt_login: bool


@dataclass(kw_only=True, slots=True)
class _Account:
    """The tokens of one person that are alive, and whether a consent stands."""

    living: set[str] = field(default_factory=set)
    consented: bool = False


class ScriptedUpstream:
    """The calls are kept: `departures`, `exchanges`, `revocations`, in their order.

    While `down` is set no Provider answers. `fails_with` is raised by the next exchange, after the code was sent. `sid`
    is what the Provider calls the session that begins next; `logouts` are the logout tokens that hold.
    """

    def __init__(self, *facts: RegistrationFacts) -> None:
        self.facts = {f.id: f for f in facts}
        self.down = False
        self.fails_with: BrokerError | None = None
        self.sid: str | None = None
        self.token_padding = ""
        self.logouts: dict[str, UpstreamLogout] = {}
        self.departures: list[Departure] = []
        self.exchanges: list[Callback] = []
        self.revocations: list[tuple[RegistrationId, UpstreamTokens]] = []
        self.issued: list[UpstreamTokens] = []
        self._codes: dict[str, tuple[Person, str]] = {}
        self._accounts: dict[str, _Account] = {}

    @property
    def registrations(self) -> Mapping[RegistrationId, RegistrationFacts]:
        return self.facts

    def scopes_for(self, registration: RegistrationId, attributes: frozenset[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*BASE_SCOPES, *(scope for name, scope in SCOPES.items() if name in attributes)]))

    async def authorize_url(self, attempt: SignInAttempt, *, login_hint: str | None, prompt_login: bool) -> str:
        self._answer()
        self.departures.append(Departure(attempt=attempt, login_hint=login_hint, prompt_login=prompt_login))
        return f"https://{attempt.registration}.example/authorize?{urlencode({'state': attempt.state})}"

    def allow(self, url: str, person: Person) -> Callback:
        """What the browser comes back with, when this person has allowed what `url` asks for."""
        state = parse_qs(urlsplit(url).query)["state"][0]
        code = f"upstream-code-canary-{len(self._codes)}"
        attempt = next(d.attempt for d in self.departures if d.attempt.state == state)
        self._codes[code] = (person, attempt.code_verifier)
        return Callback(registration=attempt.registration, state=state, code=code, error=None, iss=None)

    async def exchange(self, attempt: SignInAttempt, callback: Callback, wanted: Collection[str]) -> VerifiedSignIn:
        self.exchanges.append(callback)
        self._answer()
        if attempt.registration not in self.facts:
            raise Refusal("provider_disabled", "This service cannot be used here any more.")
        if callback.error is not None:
            raise Refusal("upstream_denied", "The service said no.")
        person, code_verifier = self._codes.pop(callback.code or "", (None, ""))
        if person is None or code_verifier != attempt.code_verifier:
            raise Refusal("upstream_error", "The service did not complete the sign-in.")
        if (error := self.fails_with) is not None:
            self.fails_with = None
            raise error
        return VerifiedSignIn(
            identity=person.identity,
            profile={name: value for name, value in person.profile.items() if name in wanted},
            verified_email=person.verified_email,
            tokens=self._tokens(person),
            granted_scopes=person.granted_scopes,
            sid=self.sid,
        )

    async def logout(self, registration: RegistrationId, logout_token: str) -> UpstreamLogout:
        self._answer()
        if logout_token not in self.logouts:
            raise Refusal("invalid_logout_token", "The logout token could not be verified.")
        return self.logouts[logout_token]

    async def revoke(self, registration: RegistrationId, tokens: UpstreamTokens) -> RevocationResult:
        self.revocations.append((registration, tokens))
        if self.down:
            return RevocationResult.PENDING
        for account in self._accounts.values():
            if account.living & {tokens.access_token, tokens.refresh_token}:
                account.living.clear()
                account.consented = False
                return RevocationResult.REVOKED
        return RevocationResult.ALREADY_DEAD

    def lives(self, tokens: UpstreamTokens) -> bool:
        """Whether the Provider would still take the access token."""
        return any(tokens.access_token in account.living for account in self._accounts.values())

    def _tokens(self, person: Person) -> UpstreamTokens:
        number = len(self.issued)
        account = self._accounts.setdefault(person.identity.key(), _Account())
        refresh_token = None if account.consented else f"refresh-token-canary-{number}"
        account.consented = True
        tokens = UpstreamTokens(
            access_token=f"access-token-canary-{number}{self.token_padding}",
            refresh_token=refresh_token,
            expires_at=TOKENS_LIVE_FOR,
        )
        account.living |= {token for token in (tokens.access_token, tokens.refresh_token) if token is not None}
        self.issued.append(tokens)
        return tokens

    def _answer(self) -> None:
        if self.down:
            raise Fault("provider_unavailable", "The service does not answer.")
