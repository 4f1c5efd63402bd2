"""Every state in a real browser: nothing for axe to find, nothing to scroll sideways, and a picture to look at."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from broker.web.pages.assets import ASSETS
from broker.web.pages.render import render
from broker.web.pages.views import FormPostView
from tests.servers import axe
from tests.servers.asgi import serving
from tests.web.pages.states import HOSTILE_STATES, STATES

pytestmark = pytest.mark.anyio

POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
WIDE, PHONE, NARROWEST = (1280, 800), (360, 740), (320, 640)
# Where axe looks: at every rule where the layout differs most, and once at the colours in the dark.
LOOKED_AT: dict[tuple[int, int], tuple[axe.Scheme, ...]] = {WIDE: ("light", "dark"), NARROWEST: ("light",)}
PICTURED: dict[tuple[int, int], tuple[axe.Scheme, ...]] = {WIDE: ("light",), PHONE: ("dark",)}


async def _page(request: Request) -> Response:
    view = {**STATES, **HOSTILE_STATES}[request.path_params["name"]]
    policy = f"{POLICY}; script-src 'self'" if isinstance(view, FormPostView) else POLICY
    return Response(render(view), media_type="text/html", headers={"Content-Security-Policy": policy})


async def _asset(request: Request) -> Response:
    asset = ASSETS[request.url.path.removeprefix("/id")]
    # The script would lead away from the page that is looked at.
    content = b"" if "javascript" in asset.content_type else asset.content
    return Response(content, headers={"Content-Type": asset.content_type})


@pytest.fixture(scope="module")
def gallery() -> Iterator[str]:
    """The URL at which every state is served, under the Content Security Policy that the broker will use."""
    routes = [
        Route("/states/{name}", _page),
        Route("/assets/{name}", _asset),
        Route("/id/assets/{name}", _asset),
    ]
    with serving(Starlette(routes=routes)) as url:
        yield url


@pytest.fixture(scope="module")
async def page(chromium: Browser) -> AsyncIterator[Page]:
    """One for all states: a browser that has seen axe once is quicker with it than a new one."""
    context = await chromium.new_context(reduced_motion="reduce")
    await axe.prepare(context)
    yield await context.new_page()
    await context.close()


@pytest.fixture
async def looking(page: Page) -> AsyncIterator[tuple[Page, list[str]]]:
    """A page of somebody without scripts of ours, and what the browser complained about."""
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        complaints.append(message.text)

    await page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
    await page.emulate_media(color_scheme="light")
    page.on("console", note)
    yield page, complaints
    page.remove_listener("console", note)


@pytest.mark.parametrize("name", [*STATES, *HOSTILE_STATES])
async def test_a_state_is_accessible_fits_and_is_pictured(
    name: str, gallery: str, looking: tuple[Page, list[str]], artefacts: Path
) -> None:
    """Wide, on a phone and on the narrowest, light and dark."""
    page, complaints = looking
    await page.goto(f"{gallery}/states/{name}")

    ordinary = name in STATES
    found: list[str] = []
    for size in (WIDE, PHONE, NARROWEST):
        width, height = size
        await page.set_viewport_size({"width": width, "height": height})
        needed = await page.evaluate("document.documentElement.scrollWidth")
        if needed > width:
            found.append(f"{width}: needs {needed} px")
        schemes: tuple[axe.Scheme, ...] = ("light", "dark") if ordinary else ("light",)
        for scheme in schemes:  # colours do not depend on words
            await page.emulate_media(color_scheme=scheme)
            if scheme in LOOKED_AT.get(size, ()):
                # A word of 250 letters that is cut off axe measures uncut: there what it cannot decide does not count.
                problems = await axe.problems(page, only_colours=scheme == "dark", strict=ordinary)
                found += [f"{width} {scheme}: {problem}" for problem in problems]
            if ordinary and scheme in PICTURED.get(size, ()):
                picture = artefacts / "pages" / f"{name}-{width}-{scheme}.png"
                await page.screenshot(path=picture, full_page=True)

    assert found == []
    assert complaints == []


@pytest.mark.parametrize("name", ["sign-in-many", "connections-pending", "sessions-many", "consent-several-clients"])
@pytest.mark.parametrize("width", [1280, 320])
async def test_everything_to_press_is_44_px_high(
    name: str, width: int, gallery: str, looking: tuple[Page, list[str]]
) -> None:
    """Buttons, the links that look like them, ticks with their words, navigation; not links inside a sentence."""
    page, _ = looking
    await page.set_viewport_size({"width": width, "height": 800})
    await page.goto(f"{gallery}/states/{name}")
    targets = page.locator("button, .button, nav a, footer a, .shortcuts a, .tick label")

    small = [
        f"{await target.inner_text()}: {box}"
        for target in await targets.all()
        if (box := await target.bounding_box()) is not None and min(box["height"], box["width"]) < 43.9
    ]

    assert small == []


@pytest.mark.parametrize(
    ("scheme", "ground", "line", "words"),
    [
        ("light", "rgb(255, 255, 255)", "rgb(116, 119, 117)", "rgb(31, 31, 31)"),
        ("dark", "rgb(19, 19, 20)", "rgb(142, 145, 143)", "rgb(227, 227, 227)"),
    ],
)
async def test_the_google_button_keeps_to_its_guidelines(
    scheme: str, ground: str, line: str, words: str, gallery: str, looking: tuple[Page, list[str]]
) -> None:
    """40 px to see, the given colours, the mark on the left, and no other button larger or heavier than it."""
    page, _ = looking
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    await page.goto(f"{gallery}/states/sign-in-many")
    seen = await page.evaluate(
        """[...document.querySelectorAll(".face")].map(face => {
            const style = getComputedStyle(face), box = face.getBoundingClientRect();
            return {height: box.height, width: box.width, ground: style.backgroundColor, line: style.borderColor,
                words: style.color, size: style.fontSize, weight: style.fontWeight,
                inset: face.querySelector("img").getBoundingClientRect().left - box.left};
        })"""
    )
    google, *others = seen

    assert (google["height"], google["size"], google["weight"], google["inset"]) == (40, "14px", "500", 12)
    assert (google["ground"], google["line"], google["words"]) == (ground, line, words)
    assert await page.get_by_role("button", name="Sign in with Google", exact=True).count() == 1
    assert {(other["height"], other["width"], other["weight"]) for other in others} == {(40, google["width"], "500")}


async def test_the_keyboard_reaches_the_way_past_the_header_first(
    gallery: str, looking: tuple[Page, list[str]]
) -> None:
    """It shows itself when it is reached, and leads to the page's own part."""
    page, _ = looking
    await page.goto(f"{gallery}/states/account")
    await page.keyboard.press("Tab")
    box = await page.locator(".skip").bounding_box()
    await page.keyboard.press("Enter")

    assert box is not None
    assert box["y"] >= 0
    assert await page.evaluate("document.activeElement.id") == "main"


async def test_what_has_the_focus_can_be_seen(gallery: str, looking: tuple[Page, list[str]]) -> None:
    """A line of 3 px round it, whatever it is."""
    page, _ = looking
    await page.goto(f"{gallery}/states/consent-several-clients")
    widths = []
    for _press in range(7):
        await page.keyboard.press("Tab")
        widths.append(await page.evaluate("getComputedStyle(document.activeElement).outlineWidth"))

    assert widths == ["3px"] * 7
