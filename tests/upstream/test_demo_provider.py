"""The gateway against the demo's stand-in for Google, with every fault that its page offers.

It was written by somebody else, from the same standards: what both sides take for right is what they say.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, urlsplit

import anyio.to_thread
import pytest

from broker.demo.provider import FAULTS, DemoProvider, DemoRegistration, create_provider
from broker.domain.attempt import Purpose, SignInAttempt
from broker.domain.errors import BrokerError
from broker.domain.ids import AttemptId
from broker.flows.ports import Callback
from broker.flows.proven import VerifiedSignIn
from broker.upstream.gateway import UpstreamGateway
from broker.upstream.http import Transport
from broker.upstream.registration import Registration
from providers import PROVIDERS
from tests.fakes.providers.provider import SettableClock
from tests.fakes.providers.trip import LOOPBACK, WORK, location
from tests.servers.asgi import serving
from tests.servers.port import reserve

pytestmark = pytest.mark.anyio

CALLBACK = "http://localhost:8000/callback/google"
OUTCOMES = {
    "wrong_issuer": "invalid_id_token",
    "wrong_audience": "invalid_audience",
    "extra_audience_with_other_azp": "invalid_audience",
    "wrong_nonce": "invalid_nonce",
    "no_nonce": "invalid_nonce",
    "alg_none": "invalid_id_token",
    "alg_hs256_with_public_key": "invalid_id_token",
    "expired": "invalid_id_token",
    "issued_in_future": "upstream_clock_skew",
    "no_sub": "invalid_id_token",
    "bad_signature": "invalid_id_token",
    "unknown_kid": "invalid_id_token",
    "wrong_at_hash": "invalid_id_token",
    "key_in_header": "invalid_id_token",
    "crit_header": "invalid_id_token",
    "wrong_callback_issuer": "issuer_mismatch",
    "no_callback_issuer": "missing_iss",
    "wrong_state": "ok",  # the flow's business, before the gateway is asked
    "no_id_token": "invalid_id_token",
    "huge_json": "provider_unavailable",
    "userinfo_other_sub": "ok",  # everything is in the ID token, so nobody asks
    "html_200": "provider_unavailable",
    "token_error_200": "upstream_error",
    "error_500": "provider_unavailable",
    "redirect": "provider_unavailable",
    "slow": "ok",
    "hang": "provider_unavailable",
    "endless_body": "provider_unavailable",
    "discovery_wrong_issuer": "provider_misconfigured",
    "jwks_garbage_key": "ok",
}


@pytest.fixture
async def demo() -> AsyncIterator[tuple[DemoProvider, UpstreamGateway]]:
    place, clock = reserve(), SettableClock()
    application = DemoRegistration(client_id="us", client_secret="secret", redirect_uris=[CALLBACK])
    provider = create_provider(issuer=place.url, registrations=[application], clock=clock.now)
    provider.consent_automatically("ada")
    provider.slow_seconds = 0.1
    registration = Registration(
        id=WORK,
        provider=PROVIDERS["google"],
        provider_application_id="us",
        secret="secret",
        callback_url=CALLBACK,
        issuer=place.url,
    )
    gateway = UpstreamGateway([registration], Transport(allow_private_addresses=LOOPBACK), clock)
    with serving(provider.app, place):
        yield provider, gateway
        await gateway.close()


async def sign_in(gateway: UpstreamGateway) -> VerifiedSignIn:
    attempt = SignInAttempt(
        id=AttemptId("att_1"),
        purpose=Purpose.SIGN_IN,
        registration=WORK,
        organization=None,
        initiator=None,
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        code_verifier=secrets.token_urlsafe(32),
        scopes=gateway.scopes_for(WORK, frozenset({"email", "name"})),
        continue_to="",
        started_at=0,
        pushed=None,
    )
    url = await gateway.authorize_url(attempt, login_hint=None, prompt_login=False)
    back = dict(parse_qsl(urlsplit(await anyio.to_thread.run_sync(location, url)).query))
    callback = Callback(registration=WORK, state=attempt.state, code=back["code"], error=None, iss=back.get("iss"))
    return await gateway.exchange(attempt, callback, ("email", "name"))


def test_every_fault_is_looked_at() -> None:
    """A new one must say how it ends."""
    assert OUTCOMES.keys() == FAULTS.keys()


async def test_ada_signs_in(demo: tuple[DemoProvider, UpstreamGateway]) -> None:
    """And signs out for good."""
    provider, gateway = demo
    verified = await sign_in(gateway)

    assert verified.verified_email == "ada@acme.example"
    assert verified.profile["name"] == "Ada Lovelace"
    assert verified.granted_scopes == {"openid", "email", "profile"}
    assert await gateway.revoke(WORK, verified.tokens) == "revoked"
    assert await gateway.revoke(WORK, verified.tokens) == "already_dead"
    assert not any(grant.alive for grant in provider.grants)


@pytest.mark.parametrize("fault", OUTCOMES)
async def test_a_fault_ends_as_it_must(demo: tuple[DemoProvider, UpstreamGateway], fault: str) -> None:
    """By its code, and with every token that was handed out ended."""
    provider, gateway = demo
    provider.fault = fault
    try:
        await sign_in(gateway)
        outcome = "ok"
    except BrokerError as error:
        outcome = error.code

    assert outcome == OUTCOMES[fault]
    handed_out = any(secret.kind == "access_token" for secret in provider.issued) and fault != "huge_json"
    if outcome != "ok" and handed_out:
        assert not any(grant.alive for grant in provider.grants)
