"""The gate in a real browser: what a newcomer reads and answers, and what comes of each answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.journeys.person import Person, a_person
from tests.world.contents import tables_of
from tests.world.files import GATE
from tests.world.world import World, open_world

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["sqlite", "postgresql"])
async def gate(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """A world that asks, on either engine."""
    database_url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    async with open_world(tmp_path, database_url=database_url, policy=GATE) as world:
        yield world


@pytest.fixture
async def newcomer(gate: World, chromium: Browser) -> AsyncIterator[Person]:
    """Somebody who has never been here."""
    async with a_person(chromium, gate) as person:
        yield person


async def counts(world: World) -> dict[str, int]:
    """How many rows each table has, but for who does which job."""
    tables = await tables_of(world.settings.database_url)
    return {name: len(rows) for name, rows in tables.items() if name != "leases"}


async def test_a_newcomer_reads_accepts_and_is_in(newcomer: Person) -> None:
    """Both documents open in place; nothing is ticked for anybody, and nothing optional is kept."""
    await newcomer.sign_in()
    assert await newcomer.heading() == "Before you continue"
    assert await newcomer.page.get_by_role("checkbox").count() == 5
    assert await newcomer.page.locator("input:checked").count() == 0
    text = await newcomer.text()
    assert text.count("Last revised") == 2
    assert "Contact address for Partner Ops notices" in text
    assert await newcomer.world.count("users") == 0

    await newcomer.page.get_by_text("Privacy policy", exact=False).first.click()
    assert await newcomer.page.get_by_role("heading", name="What is optional").is_visible()
    async with newcomer.page.context.expect_page() as opened:
        await newcomer.page.get_by_role("link", name="Privacy policy on a page of its own").click()
    alone = await opened.value
    await alone.wait_for_load_state()
    assert alone.url == f"{newcomer.world.issuer}/privacy"
    await alone.close()

    await newcomer.accept()
    assert await newcomer.heading() == "Hello, ada@acme.example"
    assert "name" not in await newcomer.claims()
    assert await newcomer.world.count("acceptances") == 3
    assert await newcomer.world.count("choices") == 0


BY_THE_CLOCK = {"leases", "ledger_links", "ledger_heads"}


async def test_a_newcomer_declines_and_leaves_nothing(newcomer: Person) -> None:
    """No row of any table, no token that lives; the Application says what happened."""
    before = await counts(newcomer.world)
    await newcomer.sign_in()
    assert [grant.alive for grant in newcomer.world.provider.grants] == [True]
    await newcomer.press("Do not continue")

    assert newcomer.page.url.startswith(newcomer.world.application)
    assert [grant.alive for grant in newcomer.world.provider.grants] == [False]
    after = await counts(newcomer.world)
    more = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    assert {name: number for name, number in more.items() if name not in BY_THE_CLOCK} == {
        "taken_attempts": 1,
        "ledger": 1,
    }
    assert not await newcomer.is_signed_in()


async def test_without_an_application_a_page_says_that_nothing_was_kept(newcomer: Person) -> None:
    """And leads to where one can start again."""
    await newcomer.sign_in_to_account()
    await newcomer.press("Do not continue")
    assert await newcomer.heading() == "You did not continue"
    assert "Google was told to end the access" in await newcomer.text()

    await newcomer.follow("Start again")
    await newcomer.press("Sign in with Google")
    await newcomer.allow()
    await newcomer.accept()
    assert await newcomer.heading() == "Hello, ada@acme.example"


async def test_who_is_too_young_is_told_and_stays_on_the_page(newcomer: Person) -> None:
    """The message leads to the box; what was ticked stays ticked."""
    await newcomer.sign_in_to_account()
    await newcomer.page.get_by_label("I accept the privacy policy and the terms").check()
    await newcomer.press("Accept and continue")

    assert "There is a problem" in await newcomer.text()
    await newcomer.page.get_by_role("link", name="You have to be 18 or older").click()
    assert await newcomer.page.evaluate("document.activeElement.id") == "adult"
    assert await newcomer.page.get_by_label("I accept the privacy policy and the terms").is_checked()
    assert await newcomer.world.count("users") == 0
    await newcomer.page.get_by_label("I am 18 or older").check()
    await newcomer.press("Accept and continue")
    assert await newcomer.heading() == "Hello, ada@acme.example"


async def test_what_is_optional_is_given_at_the_gate_and_taken_back_in_the_account(newcomer: Person) -> None:
    """Its effect is seen at once on one's own page."""
    await newcomer.sign_in_to_account()
    await newcomer.accept("Name")
    assert await newcomer.heading() == "Hello, Ada Lovelace"

    await newcomer.follow("Choices")
    assert await newcomer.heading() == "Your choices"
    assert "Taking it back ends our access at Google too." in await newcomer.text()
    await newcomer.press("Take back Name")
    text = await newcomer.text()
    assert "We have deleted your name here. Our access at Google ended too. Google has been told." in text
    assert "Taking it back" not in text
    await newcomer.open("connections")
    assert "We have no access at Google any more. Google has been told." in await newcomer.text()
    await newcomer.open()
    assert await newcomer.heading() == "Hello, ada@acme.example"

    await newcomer.open("choices")
    await newcomer.press("Allow News")
    assert "comes with your next sign-in" in await newcomer.text()
    await newcomer.press("Sign out")
    await newcomer.sign_in_to_account()
    await newcomer.open("data")
    assert "News in one's own language" in await newcomer.text()


async def test_two_tabs_are_two_trips(newcomer: Person) -> None:
    """Both are asked; whoever answers second is known already, and comes in all the same."""
    other = await newcomer.tab()
    await newcomer.sign_in_to_account()
    await other.sign_in_to_account()
    await newcomer.accept()
    await other.accept()

    assert await other.heading() == "Hello, ada@acme.example"
    assert await newcomer.world.count("users") == 1


async def test_going_back_and_answering_again_changes_nothing(newcomer: Person) -> None:
    """The page is out of date, and says so."""
    await newcomer.sign_in_to_account()
    await newcomer.accept()
    before = await newcomer.world.count("users")
    await newcomer.page.go_back()
    if await newcomer.page.get_by_role("button", name="Accept and continue").count():
        await newcomer.accept()
    assert await newcomer.heading() in ("This sign-in was not started here", "Please start again")
    assert await newcomer.world.count("users") == before == 1


async def test_the_broker_may_be_started_anew_while_somebody_reads(newcomer: Person) -> None:
    """What waits is in the page, and nowhere else."""
    await newcomer.sign_in_to_account()
    newcomer.world.restart("broker")
    await newcomer.accept()

    assert await newcomer.heading() == "Hello, ada@acme.example"


async def test_the_gate_fits_a_small_screen(gate: World, chromium: Browser) -> None:
    """Nothing is wider than 320 pixels, and every box can be hit."""
    async with a_person(chromium, gate, viewport={"width": 320, "height": 640}) as person:
        await person.sign_in_to_account()
        await person.page.get_by_text("Privacy policy", exact=False).first.click()
        assert await person.page.evaluate("document.documentElement.scrollWidth") <= 320
