"""Owns the port to Providers: finds the counterpart of a registration and lets the verbs speak to it.

Refuses registrations that are not in the settings, and at start those that could not work.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

from broker.domain.attempt import SignInAttempt
from broker.domain.connection import UpstreamTokens
from broker.domain.ids import RegistrationId
from broker.domain.outbox import RevocationResult
from broker.flows.ports import Callback, Clock, RegistrationFacts
from broker.flows.proven import UpstreamLogout, VerifiedSignIn
from broker.upstream.authorize import authorize_url
from broker.upstream.counterpart import Counterpart, meet
from broker.upstream.errors import refused
from broker.upstream.exchange import exchange
from broker.upstream.http import Transport
from broker.upstream.logout_token import verify_logout
from broker.upstream.registration import Registration
from broker.upstream.revoke import revoke


class UpstreamGateway:
    """The `Upstream` port over a deployment's registrations. `close` ends its connections."""

    def __init__(self, registrations: Iterable[Registration], transport: Transport, clock: Clock) -> None:
        """Raises `ValueError` with everything that is wrong with the registrations."""
        all_of_them = tuple(registrations)
        if problems := [problem for registration in all_of_them for problem in registration.problems()]:
            raise ValueError("\n".join(problems))
        self._transport = transport
        self._counterparts = {r.id: meet(r, transport, clock) for r in all_of_them}
        self._facts = MappingProxyType({r.id: r.facts() for r in all_of_them})

    @property
    def registrations(self) -> Mapping[RegistrationId, RegistrationFacts]:
        """What flows and pages may know, in the order of the settings."""
        return self._facts

    def scopes_for(self, registration: RegistrationId, attributes: frozenset[str]) -> tuple[str, ...]:
        """Only the scopes that these attributes, and signing in as such, need. Raises `Refusal` "provider_disabled"."""
        provider = self._counterpart(registration).registration.provider
        needed = (attribute.scope for name, attribute in provider.attributes.items() if name in attributes)
        return tuple(dict.fromkeys([*provider.base_scopes, *(scope for scope in needed if scope)]))

    async def authorize_url(self, attempt: SignInAttempt, *, login_hint: str | None, prompt_login: bool) -> str:
        """Where to send the browser. Raises `Refusal` "provider_disabled", or `Fault`."""
        counterpart = self._counterpart(attempt.registration)
        metadata = await counterpart.metadata.get()
        return authorize_url(
            counterpart.registration, metadata, attempt, login_hint=login_hint, prompt_login=prompt_login
        )

    async def exchange(self, attempt: SignInAttempt, callback: Callback, wanted: Collection[str]) -> VerifiedSignIn:
        """Check the callback, redeem its code once, verify everything. Raises `Refusal` or `Fault`."""
        if callback.registration != attempt.registration:
            raise refused("provider_mismatch", "the callback is another registration's")
        return await exchange(self._counterpart(attempt.registration), attempt, callback, wanted)

    async def logout(self, registration: RegistrationId, logout_token: str) -> UpstreamLogout:
        """Verify that a Provider says so. Raises `Refusal` or `Fault`."""
        return await verify_logout(self._counterpart(registration), logout_token)

    async def revoke(self, registration: RegistrationId, tokens: UpstreamTokens) -> RevocationResult:
        """Tell the Provider. Never raises: `PENDING` means try again, perhaps after the settings were put right."""
        counterpart = self._counterparts.get(registration)
        return RevocationResult.PENDING if counterpart is None else await revoke(counterpart, tokens)

    async def close(self) -> None:
        """Close every connection to Providers."""
        await self._transport.close()

    def _counterpart(self, registration: RegistrationId) -> Counterpart:
        counterpart = self._counterparts.get(registration)
        if counterpart is None:
            raise refused("provider_disabled", "no such registration")
        return counterpart
