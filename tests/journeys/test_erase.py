"""Having one's account erased, in a real browser: asked, typed, done, and the receipt."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.journeys.person import Person, a_person
from tests.world.files import POLICY
from tests.world.world import World, open_world

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["sqlite", "postgresql"])
async def at_once(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """A world that gives no time for second thoughts, on either engine."""
    database_url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    async with open_world(
        tmp_path, database_url=database_url, policy=f"{POLICY}\n[erasure]\ngrace_days = 0\n"
    ) as world:
        yield world


async def test_an_account_is_erased_and_the_receipt_is_shown(at_once: World, chromium: Browser) -> None:
    """From the data page; another word erases nothing, the Provider is told, and nobody is left."""
    async with a_person(chromium, at_once) as person:
        await person.sign_in_to_account()
        await person.open("data")
        await person.follow("erase your account")
        assert await person.heading() == "Erase your account?"
        await person.page.get_by_label("To erase your account").fill("delete")
        await person.press("Erase my account")
        assert "That is another word. Nothing was erased." in await person.text()
        assert await at_once.count("users") == 1

        await person.page.get_by_label("To erase your account").fill("erase")
        await person.press("Erase my account")
        assert await person.heading() == "Your account is erased"
        assert "Its access has ended." in await person.text()
        await person.page.get_by_text("Show the receipt").click()
        assert '"signature"' in await person.page.locator("pre").inner_text()
        assert await at_once.count("users") == 0
        assert [grant.alive for grant in at_once.provider.grants] == [False]
        assert not await person.is_signed_in()


async def test_whoever_changes_their_mind_keeps_the_account(person: Person) -> None:
    """In time: everything is as it was."""
    await person.sign_in_to_account()
    await person.open("data")
    await person.follow("erase your account")
    await person.page.get_by_label("To erase your account").fill("erase")
    await person.press("Erase my account")
    assert await person.heading() == "Your account will be erased"
    await person.follow("Keep my account")
    await person.press("Sign in with Google")
    await person.allow()

    assert "Your account is kept." in await person.text()
    assert await person.is_signed_in()
