"""The demo in a real browser: every page accessible, none scrolling sideways, the whole way without scripts."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlencode

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from broker.demo.application import create_application
from broker.demo.downstream import create_downstream
from broker.demo.provider import DemoProvider, DemoRegistration, create_provider
from tests.demo.fake_broker import APPLICATION, AUDIENCE, FakeBroker
from tests.servers.asgi import serving
from tests.servers.port import Place, reserve

pytestmark = pytest.mark.anyio

LOOKS = [("light", 1280), ("dark", 1280), ("light", 320), ("dark", 320)]


class World:
    """Provider, relaying callback, fake broker, Application and service, each on an origin of its own."""

    def __init__(self, places: dict[str, Place]) -> None:
        self.urls = {name: place.url for name, place in places.items()}
        callback = f"{self.urls['callback']}/callback"
        registration = DemoRegistration(client_id="relay", client_secret="s", redirect_uris=[callback])
        self.provider: DemoProvider = create_provider(issuer=self.urls["provider"], registrations=[registration])
        self.broker = FakeBroker(issuer=self.urls["broker"], now=int(time.time()))
        own = self.urls["application"]
        self.apps = {
            "provider": self.provider.app,
            "callback": Starlette(routes=[Route("/callback", self._relay)]),
            "broker": self.broker.app,
            "application": create_application(
                issuer=self.broker.issuer,
                application_id=APPLICATION,
                redirect_uri=f"{own}/callback",
                own_url=own,
                downstream_url=f"{own}/service",
                service=create_downstream(issuer=self.broker.issuer, audience=AUDIENCE),
            ),
        }
        asked = {
            "client_id": "relay",
            "redirect_uri": callback,
            "response_type": "code",
            "scope": "openid email profile https://www.googleapis.com/auth/calendar.readonly",
            "state": "s",
            "nonce": "n",
            "code_challenge": "a" * 43,
            "code_challenge_method": "S256",
        }
        self.choose = f"{self.urls['provider']}/o/oauth2/v2/auth?{urlencode(asked)}"

    async def _relay(self, request: Request) -> Response:
        return RedirectResponse(f"{self.urls['application']}/?came=back", 303)


@pytest.fixture
def world() -> Iterator[World]:
    places = {
        name: reserve("localhost" if name in ("provider", "application") else "127.0.0.1")
        for name in ("provider", "callback", "broker", "application")
    }
    world = World(places)
    with ExitStack() as servers:
        for name, place in places.items():
            servers.enter_context(serving(world.apps[name], place))
        yield world


@pytest.fixture
async def plain_page(chromium: Browser) -> AsyncIterator[Page]:
    """A page of a person whose browser runs no scripts."""
    context = await chromium.new_context(java_script_enabled=False)
    yield await context.new_page()
    await context.close()


async def test_the_persona_page_leads_across_origins_without_scripts(world: World, plain_page: Page) -> None:
    """The form's policy lets the browser follow it to the broker and on to an Application nobody here knows."""
    await plain_page.goto(world.choose)
    await plain_page.get_by_text("Grace Hopper").click()
    await plain_page.get_by_label("See your name and picture").uncheck()
    await plain_page.get_by_role("button", name="Allow").click()

    assert plain_page.url == f"{world.urls['application']}/?came=back"
    (grant,) = world.provider.grants
    calendar = "https://www.googleapis.com/auth/calendar.readonly"
    assert (grant.persona.persona_id, grant.scopes) == (
        "grace",
        frozenset({"openid", "email", calendar}),
    )


async def test_access_can_be_removed_at_the_provider_without_scripts(world: World, plain_page: Page) -> None:
    """As in the settings of an account."""
    await plain_page.goto(world.choose)
    await plain_page.get_by_role("button", name="Allow").click()
    await plain_page.goto(world.urls["provider"])
    await plain_page.get_by_role("button", name="Remove the access").click()

    assert [grant.alive for grant in world.provider.grants] == [False]


async def test_the_application_works_without_scripts(world: World, plain_page: Page) -> None:
    """Sign in, be refused after a revocation, sign out at the broker."""
    await plain_page.goto(world.urls["application"])
    await plain_page.get_by_role("link", name="Sign in with Partner Ops").click()
    assert await plain_page.get_by_text("Allowed").count() == 2

    world.broker.userinfo_status = 401
    await plain_page.get_by_role("button", name="Call the service again").click()
    assert await plain_page.get_by_text("Refused").count() == 2

    await plain_page.get_by_role("button", name="Sign out").click()
    assert plain_page.url.startswith(f"{world.broker.issuer}/oauth/end-session?id_token_hint=")


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
async def test_every_page_can_be_used_by_everybody(
    world: World, chromium: Browser, artefacts: Path, scheme: str, width: int
) -> None:
    """Nothing for axe to find, nothing to scroll sideways, 44 px to hit, no policy broken; and a picture."""
    context = await chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = await context.new_page()
    broken: list[str] = []
    page.on("console", lambda line: broken.append(line.text) if "Content Security" in line.text else None)

    async def look(name: str) -> None:
        wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        small = await page.evaluate(
            "[...document.querySelectorAll('button, .button, summary, label')]"
            ".filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 43.5)"
            ".map(e => e.textContent.trim())"
        )
        found = await Axe().run(page)
        await page.screenshot(path=artefacts / "demo" / f"{name}-{scheme}-{width}.png", full_page=True)
        assert (name, wide, small, found.response["violations"]) == (name, 0, [], [])

    own = world.urls["application"]
    await page.goto(own)
    await look("application-start")
    await page.goto(f"{own}/callback?error=access_denied")
    await look("application-problem")
    await page.goto(f"{own}/sign-in")
    await look("application-signed-in")
    await page.goto(world.choose)
    await look("provider-choose")
    await page.get_by_text("Misbehave").click()
    await look("provider-misbehave")
    await page.goto(f"{world.urls['provider']}/o/oauth2/v2/auth")
    await look("provider-problem")
    world.provider.consent_automatically("ada")
    await page.goto(world.choose)
    await page.goto(world.urls["provider"])
    await look("provider-start")
    await context.close()

    assert broken == []
