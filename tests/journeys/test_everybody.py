"""The whole way for people who use no mouse, no scripts, or a phone."""

from __future__ import annotations

import pytest
from playwright.async_api import Locator, Page

from tests.journeys.conftest import Somebody
from tests.journeys.person import Person

pytestmark = pytest.mark.anyio

FOCUSED = "() => (document.activeElement.innerText || document.activeElement.value || '').trim()"
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


async def test_the_keyboard_alone_signs_in_and_disconnects(person: Person) -> None:
    """Tab, the arrows, Space and Enter."""
    page = person.page
    await page.goto(person.world.application)
    await _enter(page, "Sign in with Partner Ops")
    await page.wait_for_url("**/sign-in?*")
    await _enter(page, "Sign in with Google")
    await page.wait_for_url("**/auth?*")
    await _tab_to(page, "ada")
    await page.keyboard.press("ArrowDown")
    await _tab_to(page, "profile")
    await page.keyboard.press("Space")
    await _enter(page, "Allow")
    await page.wait_for_url(f"{person.world.application}/")
    assert (await person.answers())["globex"].label == "Allowed"

    await person.open()
    await _enter(page, "Connections")
    await page.wait_for_url("**/account/connections")
    await _enter(page, "Disconnect")
    await page.wait_for_url("**/disconnect")
    await _enter(page, "Disconnect Google")
    await page.get_by_role("heading", name="You are signed out").wait_for()

    (grant,) = person.world.provider.grants
    assert (grant.persona.persona_id, grant.scopes, grant.alive) == ("grace", frozenset({"openid", "email"}), False)


async def test_nothing_needs_a_script(somebody: Somebody) -> None:
    """Sign in, see one's pages, end another session, sign out, sign in again, disconnect, be refused."""
    person = await somebody(java_script_enabled=False)
    await (await somebody()).sign_in_to_account()
    await person.sign_in()
    assert {answer.label for answer in (await person.answers()).values()} == {"Allowed"}

    await person.open("sessions")
    await person.press("End all other sessions")
    assert "One other browser has been signed out." in await person.text()
    await person.open("data")
    assert "ada@acme.example" in await person.text()
    await person.page.goto(person.world.application)
    await person.press("Sign out")
    assert await person.heading() == "Welcome"

    await person.sign_in()
    await person.disconnect()
    assert "Disconnected here, and Google has been told." in await person.text()
    assert {answer.label for answer in (await person.call_again()).values()} == {"Refused"}


async def test_no_page_runs_a_script_or_breaks_its_own_policy(person: Person) -> None:
    """The browser has nothing to complain of: no blocked style, no refused form, no missing file, no error."""
    complaints: list[str] = []
    scripts: list[str] = []
    person.page.on("console", lambda message: complaints.append(message.text))
    person.page.on("pageerror", lambda error: complaints.append(str(error)))
    person.page.on(
        "response", lambda answer: complaints.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None
    )
    person.page.on(
        "request", lambda request: scripts.append(request.url) if request.resource_type == "script" else None
    )
    await person.sign_in()
    for page in ("", "connections", "sessions", "applications", "data"):
        await person.open(page)
    await person.disconnect()
    await person.page.goto(person.world.application)
    await person.press("Sign out")

    assert (complaints, scripts) == ([], [])


async def test_a_phone_is_enough(somebody: Somebody) -> None:
    """By touch, at 360 px, and nowhere a page that is wider than the screen."""
    person = await somebody(**PHONE)
    too_wide: list[str] = []

    async def look() -> None:
        if await person.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            too_wide.append(person.page.url)

    async def touch(way: Locator) -> None:
        await person.go(way, by_touch=True)
        await look()

    await person.page.goto(person.world.application)
    await look()
    await touch(person.page.get_by_role("link", name="Sign in with Partner Ops"))
    await touch(person.page.get_by_role("button", name="Sign in with Google"))
    await person.page.get_by_text("Ada Lovelace").tap()
    await touch(person.page.get_by_role("button", name="Allow"))
    for page in ("", "sessions", "applications", "data", "connections"):
        await person.open(page)
        await look()
    await touch(person.page.get_by_role("link", name="Disconnect Google"))
    await touch(person.page.get_by_role("button", name="Disconnect Google"))

    assert await person.heading() == "You are signed out"
    assert too_wide == []


async def _enter(page: Page, name: str) -> None:
    await _tab_to(page, name)
    await page.keyboard.press("Enter")


async def _tab_to(page: Page, name: str) -> None:
    """Press Tab until what begins with `name` has the focus; nobody has to press it twenty times."""
    seen: list[str] = []
    for _press in range(20):
        await page.keyboard.press("Tab")
        seen.append(await page.evaluate(FOCUSED))
        if seen[-1].startswith(name):
            return
    raise AssertionError(f"the keyboard does not reach {name!r}: {seen}")
