"""The broker's own session JWTs: accepted, with every right in its place; its other tokens refused."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from httpx2 import AsyncClient

from partner_ops_verifier import AsyncVerifier, Clocks, Feed, TokenRefused, Verifier, VerifierError
from tests.examples import files
from tests.verifier.kinds import KINDS, Kind, verifying
from tests.world.files import AUDIENCE, CLIENTS, PROVIDER_CLIENT_SECRET
from tests.world.world import World, open_world

pytestmark = pytest.mark.anyio

MANY = 150
MORE = "".join(
    f'[clients.client-{number:03}]\nname = "Client {number}"\nrights = ["reports:read"]\n'
    f'[[clients.client-{number:03}.authorizations]]\nuser = "ada@acme.example"\nrights = ["reports:read"]\n'
    for number in range(MANY)
)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as world:
        world.provider.consent_automatically("ada")
        yield world


async def application_of(world: World) -> Any:
    """The example for Applications."""
    build = files.module("application").Application
    return await asyncio.to_thread(build, world.issuer, "demo-app", f"{world.application}/callback")


async def signed_in(world: World, browser: AsyncClient | None = None, **more: str) -> dict[str, str]:
    """Ada's tokens, by a browser that chooses Google and follows redirects."""
    application = await application_of(world)
    url, trip = application.sign_in(**more)
    async with AsyncExitStack() as stack:
        if browser is None:
            browser = await stack.enter_async_context(AsyncClient(timeout=30))
        while not url.startswith(application.redirect_uri):
            answer = await browser.get(url)
            if answer.status_code == 200:
                form = answer.text.partition("<form")[2].partition("</form>")[0]
                hidden = {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form)}
                answer = await browser.post(urljoin(str(answer.url), "/sign-in/google"), data=hidden)
            url = urljoin(str(answer.url), str(answer.headers["location"]))
    _, tokens = await asyncio.to_thread(application.callback, url, trip)
    return dict(tokens)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_session_jwt_is_accepted(world: World, kind: Kind) -> None:
    """Each way of verifying finds keys and rights."""
    tokens = await signed_in(world)
    async with verifying(kind, world.issuer, AUDIENCE, clocks=Clocks(now=world.clock)) as verifier:
        session = await verifier.verify(tokens["access_token"])

        assert session.user.startswith("usr_")
        assert session.id is not None
        assert session.application_id == "demo-app"
        assert session.client_orgs == {"acme", "globex"}
        assert session.rights("acme") == {"invoices:read", "reports:read"}
        assert session.rights("globex") == {"reports:read"}
        world.clock.advance(311)
        with pytest.raises(TokenRefused, match="expired"):
            await verifier.verify(tokens["access_token"])


async def test_other_tokens_of_the_broker_are_refused(world: World) -> None:
    """An ID token is signed by the same key; a session JWT is for its audience alone."""
    tokens = await signed_in(world)
    for audience in (AUDIENCE, "demo-app"):
        async with AsyncVerifier(world.issuer, audience, clocks=Clocks(now=world.clock)) as verifier:
            with pytest.raises(TokenRefused) as refused:
                await verifier.verify(tokens["id_token"])
            assert refused.value.code == "wrong_type"
    async with AsyncVerifier(world.issuer, "https://other.example", clocks=Clocks(now=world.clock)) as verifier:
        with pytest.raises(TokenRefused) as refused:
            await verifier.verify(tokens["access_token"])
        assert refused.value.code == "wrong_audience"


async def test_a_token_is_narrowed_to_one_client(world: World) -> None:
    """`organization=acme`: it speaks of no other."""
    tokens = await signed_in(world, organization="acme")
    async with AsyncVerifier(world.issuer, AUDIENCE, clocks=Clocks(now=world.clock)) as verifier:
        session = await verifier.verify(tokens["access_token"])

    assert (session.organization, sorted(session.client_orgs)) == ("acme", ["acme"])


async def test_more_authorizations_than_fit_are_fetched_until_they_change(tmp_path: Path) -> None:
    """A User of many Clients; then one more, of which the old token cannot speak."""
    async with open_world(tmp_path, clients=CLIENTS + MORE) as world:
        world.provider.consent_automatically("ada")
        token = (await signed_in(world))["access_token"]
        async with AsyncVerifier(world.issuer, AUDIENCE, clocks=Clocks(now=world.clock)) as verifier:
            session = await verifier.verify(token)

            assert "authorizations_ref" in session.claims()
            assert len(session.client_orgs) == MANY + 2
            assert session.may("client-149", "reports:read")
            assert not session.may("client-149", "reports:write")
        await world.declare(MORE.partition("[clients.client-001]")[0].replace("client-000", "one-more"))
        await signed_in(world)  # binds the invitation
        again = Verifier(world.issuer, AUDIENCE, clocks=Clocks(now=world.clock))
        with pytest.raises(TokenRefused) as refused:
            await asyncio.to_thread(again.verify, token)
        assert refused.value.code == "authorizations_changed"


async def test_keys_outlive_the_broker(world: World) -> None:
    """R2: downstream validation survives a total outage."""
    tokens = await signed_in(world)
    async with AsyncVerifier(world.issuer, AUDIENCE, remembered=0, clocks=Clocks(now=world.clock)) as verifier:
        await verifier.verify(tokens["access_token"])
        world.stop("broker")
        assert (await verifier.verify(tokens["access_token"])).application_id == "demo-app"
        world.start("broker")


FOLLOWS = """
[applications.feed]
name = "Follows revocations"
type = "confidential"
secret = { file = "provider-secret" }
grants = ["client_credentials"]
scopes = ["revocations"]
audience = "https://api.example"
"""


async def test_signing_out_ends_a_token_within_seconds(world: World) -> None:
    """By the broker's feed, at a service that accepts nothing while it does not hear it."""
    await world.declare(FOLLOWS)
    async with AsyncClient(timeout=30) as browser:
        tokens = await signed_in(world, browser)
        feed = Feed(application_id="feed", secret=PROVIDER_CLIENT_SECRET, closed_after=40)
        verifier = Verifier(world.issuer, AUDIENCE, feed=feed, clocks=Clocks(now=world.clock))
        verifier.start()
        await until(verifier, tokens["access_token"], "good")
        application = await application_of(world)
        await browser.get(application.sign_out(tokens["id_token"], f"{world.application}/"))
        await until(verifier, tokens["access_token"], "revoked")
        await asyncio.to_thread(verifier.close)


async def until(verifier: Verifier, token: str, wanted: str) -> None:
    """Wait until this is what is said of the token."""
    said = ""
    async with asyncio.timeout(20):
        while said != wanted:
            try:
                await asyncio.to_thread(verifier.verify, token)
                said = "good"
            except VerifierError as error:
                said = error.code
            await asyncio.sleep(0.02)
