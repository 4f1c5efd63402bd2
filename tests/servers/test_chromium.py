"""The browser of the tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from tests.servers.asgi import serving

pytestmark = pytest.mark.anyio


async def _welcome(request: Request) -> HTMLResponse:
    met = "met" in request.cookies
    response = HTMLResponse(f"<!doctype html><title>Test</title><h1>{'Again' if met else 'Welcome'}</h1>")
    response.set_cookie("met", "yes")
    return response


APPLICATION = Starlette(routes=[Route("/", _welcome)])


async def test_a_page_shows_what_a_server_serves(page: Page, artefacts: Path) -> None:
    """The browser reaches a test server, and its picture can be looked at."""
    with serving(APPLICATION) as url:
        await page.goto(url)
        assert await page.get_by_role("heading").inner_text() == "Welcome"

    picture = artefacts / "servers" / "welcome.png"
    await page.screenshot(path=picture)
    assert picture.read_bytes().startswith(b"\x89PNG")


async def test_two_people_share_no_cookies(page: Page, chromium: Browser) -> None:
    """Each context is a person of their own."""
    other = await chromium.new_context()
    stranger = await other.new_page()
    try:
        with serving(APPLICATION) as url:
            await page.goto(url)
            await page.goto(url)
            await stranger.goto(url)

            assert await page.get_by_role("heading").inner_text() == "Again"
            assert await stranger.get_by_role("heading").inner_text() == "Welcome"
    finally:
        await other.close()
