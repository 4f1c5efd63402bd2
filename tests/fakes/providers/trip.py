"""A whole trip to a fake Provider that really listens: the broker's gateway, a browser, and back.

For the tests of `broker/upstream`; what happens around the trip (cookies, users, storage) is not here.
"""

from __future__ import annotations

import http.client
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, urlsplit

import anyio.to_thread

from broker.domain.attempt import Purpose, SignInAttempt
from broker.domain.ids import AttemptId, RegistrationId, UserId
from broker.flows.ports import Callback
from broker.flows.proven import VerifiedSignIn
from broker.upstream.gateway import UpstreamGateway
from broker.upstream.http import Transport
from broker.upstream.registration import Registration
from providers import PROVIDERS
from tests.fakes.providers.provider import FakeProvider, SettableClock
from tests.fakes.providers.stage import on_stage

WORK = RegistrationId("work")
LOOPBACK = (ip_network("127.0.0.0/8"),)

AnyFake = TypeVar("AnyFake", bound=FakeProvider)


@dataclass(kw_only=True)
class Trip(Generic[AnyFake]):
    """A fake Provider, the gateway to it, and the steps of a sign-in, singly or all together."""

    fake: AnyFake
    clock: SettableClock
    registration: Registration
    gateway: UpstreamGateway

    def attempt(self, *attributes: str, purpose: Purpose = Purpose.SIGN_IN) -> SignInAttempt:
        """An attempt that asks for these attributes; for none named, for all there are."""
        wanted = frozenset(attributes) or self.gateway.registrations[WORK].attributes
        return SignInAttempt(
            id=AttemptId("att_1"),
            purpose=purpose,
            registration=WORK,
            organization=None,
            initiator=UserId("usr_1") if purpose is Purpose.CONNECT else None,
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            code_verifier=secrets.token_urlsafe(32),
            scopes=self.gateway.scopes_for(WORK, wanted),
            continue_to="",
            started_at=self.clock.now(),
            pushed=None,
        )

    async def visit(self, attempt: SignInAttempt, **bent: Any) -> Callback:
        """Let a browser go where the gateway says; what it comes back with, with `bent` members replaced."""
        url = await self.gateway.authorize_url(attempt, login_hint=None, prompt_login=False)
        back = dict(parse_qsl(urlsplit(await anyio.to_thread.run_sync(location, url)).query))
        callback = Callback(
            registration=WORK,
            state=back["state"],
            code=back.get("code"),
            error=back.get("error"),
            iss=back.get("iss"),
        )
        return replace(callback, **bent)

    async def sign_in(self, *attributes: str) -> VerifiedSignIn:
        """The whole trip."""
        attempt = self.attempt(*attributes)
        return await self.exchange(attempt, await self.visit(attempt), *attributes)

    async def exchange(self, attempt: SignInAttempt, callback: Callback, *attributes: str) -> VerifiedSignIn:
        """Finish it, wanting these attributes; for none named, all there are."""
        return await self.gateway.exchange(attempt, callback, attributes or self.gateway.registrations[WORK].attributes)


@asynccontextmanager
async def trip_to(
    kind: type[AnyFake], *, provider: str | None = None, transport: Transport | None = None, **arguments: Any
) -> AsyncIterator[Trip[AnyFake]]:
    """Serve a new fake Provider of this kind and meet it. `trusted_email_domains` goes to the registration."""
    trusted = frozenset(arguments.pop("trusted_email_domains", ()))
    clock = SettableClock()
    with on_stage(lambda base: kind(base=base, clock=clock, **arguments)) as fake:
        registration = Registration(
            id=WORK,
            provider=PROVIDERS[provider or fake.name],
            provider_application_id=fake.enrolled.application_id,
            secret=fake.enrolled.secret,
            callback_url=fake.enrolled.callback_url,
            issuer=getattr(fake, "issuer", fake.base),
            trusted_email_domains=trusted,
        )
        gateway = UpstreamGateway([registration], transport or Transport(allow_private_addresses=LOOPBACK), clock)
        try:
            yield Trip(fake=fake, clock=clock, registration=registration, gateway=gateway)
        finally:
            await gateway.close()


def location(url: str) -> str:
    """Where a browser that visits `url` is sent next."""
    parts = urlsplit(url)
    browser = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=5)
    try:
        browser.request("GET", f"{parts.path}?{parts.query}")
        answer = browser.getresponse()
        answer.read()
        return answer.headers["Location"] or f"?state=&error=status_{answer.status}"
    finally:
        browser.close()
