"""A page that signs in by itself, with oidc-client-ts: its browser asks the broker across origins, and may read it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from tests.journeys.person import Person, a_person, claims_of
from tests.servers.asgi import serving
from tests.servers.node import PEERS
from tests.servers.port import reserve
from tests.world.world import World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.requires_node]

LIBRARY = PEERS / "node_modules" / "oidc-client-ts" / "dist" / "browser" / "oidc-client-ts.min.js"
CLIENT = """
[applications.page]
name = "A page"
type = "public"
redirect_uris = ["{own}/callback"]
post_logout_redirect_uris = ["{own}/bye"]
audience = "https://api.partner-ops.example"
first_party = true
"""
AHEAD = 30
"""Seconds: half of those that a proof is good for, as the browser's clock goes on."""
PAGE = """<!doctype html><html lang="en"><title>Page</title><h1>Page</h1><script src="/library.js"></script><script>
const told = SETTINGS
const manager = new oidc.UserManager({ ...told, loadUserInfo: true })
const dpop = { bind_authorization_code: true, store: new oidc.IndexedDbDPoPStore() }
const holder = new oidc.UserManager({ ...told, dpop })
const renewed = () => new Promise((resolve) => manager.events.addUserLoaded(resolve))
const refused = (attempt) => attempt.then(() => null, ({ error, name }) => ({ error, name }))
</script>"""


@pytest.fixture(scope="module")
async def world(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """For both tests here. Its clock stands still, so that two tabs are as near to each other as they mean to be."""
    async with open_world(tmp_path_factory.mktemp("page")) as world:
        world.provider.consent_automatically("ada")
        yield world


@pytest.fixture(scope="module")
async def own(world: World) -> AsyncIterator[str]:
    """The origin of the page, which has the library and nothing else: no server of its own does anything for it."""
    place = reserve()
    await world.declare(CLIENT.format(own=place.url))
    settings = {
        "authority": world.issuer,
        "client_id": "page",
        "redirect_uri": f"{place.url}/callback",
        "post_logout_redirect_uri": f"{place.url}/bye",
        "scope": "openid email offline_access",
        "automaticSilentRenew": False,
        "accessTokenExpiringNotificationTimeInSeconds": 299,
        "revokeTokensOnSignout": True,
    }

    async def page(_request: Request) -> Response:
        return HTMLResponse(PAGE.replace("SETTINGS", json.dumps(settings)))

    async def library(_request: Request) -> Response:
        return FileResponse(LIBRARY)

    with serving(Starlette(routes=[Route("/library.js", library), Route("/{path:path}", page)]), place) as url:
        yield url


@pytest.fixture
async def person(world: World, own: str, chromium: Browser) -> AsyncIterator[Person]:
    """Ada, in her browser, at the page."""
    async with a_person(chromium, world) as person:
        await person.page.goto(own)
        yield person


async def leave(page: Page, how: str, to: str) -> None:
    """Have the library lead the browser away; it comes back to an address of the page."""
    async with page.expect_navigation(url=to):
        await page.evaluate(f"void {how}")


async def signed_in(page: Page, manager: str = "manager", **options: Any) -> dict[str, Any]:
    """Away by the library with these options, and back with a code; who is signed in then."""
    await leave(page, f"{manager}.signinRedirect({json.dumps(options)})", "**/callback?*")
    return dict(await page.evaluate(f"{manager}.signinCallback()"))


async def test_a_page_signs_in_renews_in_two_tabs_and_signs_out(person: Person, world: World) -> None:
    """Two tabs that renew at one moment get one successor; signing out reaches both, and the other is told why."""
    page = person.page
    user = await signed_in(page, extraQueryParams={"provider": "google"})
    assert user["profile"]["email"] == "ada@acme.example"
    assert "userinfo_preflight" in world.log.text
    by_itself = await page.evaluate("(() => { const user = renewed(); manager.startSilentRenew(); return user })()")
    await page.evaluate("manager.stopSilentRenew()")
    assert by_itself["access_token"] != user["access_token"]
    assert by_itself["refresh_token"] != user["refresh_token"]

    async with page.expect_popup() as opened:  # with a copy of what its opener holds, like a duplicated tab
        await page.evaluate("void window.open('/')")
    tab = await opened.value
    await tab.wait_for_load_state()
    both = await asyncio.gather(*(each.evaluate("manager.signinSilent()") for each in (page, tab)))
    assert both[0]["refresh_token"] == both[1]["refresh_token"] != by_itself["refresh_token"]
    for each in (page, tab):
        assert (await each.evaluate("manager.signinSilent()"))["profile"]["sub"] == user["profile"]["sub"]

    assert (await signed_in(page, prompt="none"))["profile"]["sub"] == user["profile"]["sub"]
    await leave(page, "manager.signoutRedirect({ state: 'gone' })", "**/bye?*")
    assert (await page.evaluate("manager.signoutCallback()"))["userState"] == "gone"
    assert await tab.evaluate("refused(manager.signinSilent())") == {"error": "invalid_grant", "name": "ErrorResponse"}
    await leave(page, "manager.signinRedirect({ prompt: 'none' })", "**/callback?*")
    assert (await page.evaluate("refused(manager.signinCallback())"))["error"] == "login_required"
    assert not await person.is_signed_in()


async def test_a_page_holds_a_key(person: Person, world: World) -> None:
    """In IndexedDB, where scripts cannot read it: what it has is bound, also after it was renewed (RFC 9449)."""
    world.clock.advance(int(time.time()) + AHEAD - world.clock.now())
    user = await signed_in(person.page, "holder", extraQueryParams={"provider": "google"})
    renewed = await person.page.evaluate("holder.signinSilent()")

    assert user["token_type"] == renewed["token_type"] == "DPoP"
    assert claims_of(user["access_token"])["cnf"] == claims_of(renewed["access_token"])["cnf"]
    assert "token_preflight" in world.log.text
