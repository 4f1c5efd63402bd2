"""Every live page as people see it: nothing for axe to find, nothing to scroll sideways, and a picture of each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import product
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.journeys.person import Person, a_person
from tests.servers import axe
from tests.world.world import World, open_world

pytestmark = pytest.mark.anyio

SCHEMES: tuple[axe.Scheme, ...] = ("light", "dark")
WIDE, PHONE = (1280, 800), (360, 740)
Look = Callable[[str], Awaitable[None]]

THIRD_PARTY = """
[applications.calendar]
name = "Calendar Inc."
type = "public"
redirect_uris = ["{application}/callback"]
audience = "https://calendar.example"
"""
ASKS = (
    "/oauth/authorize?client_id=calendar&response_type=code&scope=openid%20email&state=s&nonce=n"
    "&code_challenge_method=S256&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&redirect_uri={application}"
    "/callback"
)


@pytest.fixture
async def looking(tmp_path: Path, chromium: Browser, artefacts: Path) -> AsyncIterator[tuple[Person, Look, list[str]]]:
    """A person, what looks at the page they are on under a name for its picture, and what was found wrong so far."""
    async with (
        open_world(tmp_path) as world,
        a_person(chromium, world, reduced_motion="reduce") as person,
    ):
        found: list[str] = []

        async def look(name: str) -> None:
            page = person.page
            await page.wait_for_load_state()  # its style sheet too
            for (width, height), scheme in product((PHONE, WIDE), SCHEMES):
                await page.set_viewport_size({"width": width, "height": height})
                await page.emulate_media(color_scheme=scheme)
                needed = await page.evaluate("document.documentElement.scrollWidth")
                if needed > width:
                    found.append(f"{name} at {width}: needs {needed} px")
                dark = scheme == "dark"  # in which only the colours are others
                problems = await axe.problems(page, only_colours=dark, strict=False)
                found.extend(f"{name} at {width} {scheme}: {problem}" for problem in problems)
                picture = artefacts / "journeys" / f"{name}-{width}-{scheme}.png"
                await page.screenshot(path=picture, full_page=True)

        yield person, look, found


async def test_every_page_on_the_way_in_and_out(looking: tuple[Person, Look, list[str]]) -> None:
    """From the Application's first page to the broker's last, and the pages for when something goes wrong."""
    person, look, found = looking
    world = person.world

    await person.page.goto(world.application)
    await look("application-start")
    await person.follow("Sign in with Partner Ops")
    await look("sign-in")
    await person.press("Sign in with Google")
    await look("provider-choose")
    await person.press("Deny")
    await look("application-declined")
    await person.page.goto(f"{world.issuer}/sign-in")
    await person.press("Sign in with Google")
    await person.press("Deny")
    await look("declined")
    await person.sign_in("Ada Lovelace")
    await look("application-signed-in")
    await _own_pages(person, look)
    await _consent(person, world, look)
    await person.page.goto(f"{world.issuer}/oauth/end-session?client_id=demo-app")
    await look("sign-out")
    await person.open("connections")
    await person.follow("Disconnect Google")
    await look("disconnect")
    await person.press("Disconnect Google")
    await look("disconnected")
    await person.call_again()
    await look("application-refused")
    await _when_it_goes_wrong(person, world, look)

    assert found == []


async def _own_pages(person: Person, look: Look) -> None:
    for page in ("", "connections", "sessions", "applications", "data"):
        await person.open(page)
        await look(page or "account")
    await person.open("applications/demo-app/remove")
    await look("remove-access")
    await person.open("sessions/end-all")
    await look("end-all")
    for page in ("privacy", "terms"):
        await person.page.goto(f"{person.world.issuer}/{page}")
        await look(page)


async def _consent(person: Person, world: World, look: Look) -> None:
    await world.declare(THIRD_PARTY.format(application=world.application))
    await person.page.goto(world.issuer + ASKS.format(application=world.application))
    assert await person.heading() == "Allow Calendar Inc.?"
    await look("consent")


async def _when_it_goes_wrong(person: Person, world: World, look: Look) -> None:
    await person.page.goto(f"{world.issuer}/nowhere")
    await look("not-found")
    await person.page.goto(f"{world.issuer}/callback/google?state=s&code=c")
    await look("not-started-here")
    await person.page.goto(f"{world.issuer}/oauth/authorize?client_id=nobody")
    await look("broken-link")
    await person.sign_in_to_account("Sam Stranger")
    await look("account-of-a-stranger")
    await person.press("Sign out")
    await look("signed-out")
    await person.page.goto(f"{world.issuer}/sign-in")
    world.clock.advance(25 * 3600)  # so that the Provider's metadata is asked for anew
    world.stop("provider")
    await person.press("Sign in with Google")
    assert await person.heading() == "Google is not answering"
    await look("provider-away")
