"""What is kept, in a real browser: seen, put right for good, taken along and proven."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.examples import files
from tests.flows.privacy.test_export import IS_VALID
from tests.journeys.person import Person, a_person
from tests.world.files import POLICY
from tests.world.world import open_world

pytestmark = pytest.mark.anyio

NAME = 'name = "Shown to colleagues in Partner Ops"'
TERMS = POLICY.replace(NAME, 'name = { purpose = "Shown to colleagues in Partner Ops", correctable = true }')


@pytest.fixture(params=["sqlite", "postgresql"])
async def ada(request: pytest.FixtureRequest, tmp_path: Path, chromium: Browser) -> AsyncIterator[Person]:
    """Ada, on her own pages."""
    database_url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    async with (
        open_world(tmp_path, policy=TERMS, database_url=database_url) as world,
        a_person(chromium, world, accept_downloads=True) as person,
    ):
        await person.sign_in_to_account()
        yield person


async def test_a_correction_outlives_the_next_sign_in(ada: Person) -> None:
    """Until the person wants the Provider's word again."""
    await ada.open("data")
    await ada.follow("Correct Name from Google")
    await ada.page.get_by_label("Name").fill("Ada Byron")
    await ada.press("Save")
    assert "Your name is corrected. Signing in does not change it any more." in await ada.text()

    await ada.page.context.clear_cookies()
    await ada.sign_in_to_account()
    assert await ada.heading() == "Hello, Ada Byron"
    await ada.open("data")
    assert "Your own word; signing in does not change it" in await ada.text()
    await ada.follow("Correct Name from Google")
    await ada.press("Use what Google says")
    assert "taken from Google again, from your next sign-in on" in await ada.text()

    await ada.page.context.clear_cookies()
    await ada.sign_in_to_account()
    assert await ada.heading() == "Hello, Ada Lovelace"


async def test_what_cannot_be_kept_is_said_at_the_field(ada: Person) -> None:
    """What was typed is still there, and nothing was changed."""
    await ada.open("data")
    await ada.follow("Correct Name from Google")
    await ada.page.get_by_label("Name").fill("Ada \u200b")
    await ada.press("Save")

    assert "Enter one line of text" in await ada.text()
    assert await ada.page.get_by_label("Name").input_value() == "Ada \u200b"
    await ada.follow("Cancel")
    assert "Ada Lovelace" in await ada.text()


async def test_everything_is_taken_along_and_proven(ada: Person, tmp_path: Path) -> None:
    """The file is what the documentation describes, and the documented example finds it genuine."""
    await ada.open("data")
    async with ada.page.expect_download() as begun:
        await ada.page.get_by_role("button", name="Download your data").click()
    download = await begun.value
    file = tmp_path / download.suggested_filename
    await download.save_as(file)
    content = file.read_bytes()

    assert file.name == "partner-ops-archive.json"
    IS_VALID(json.loads(content))
    checked = files.module("archive").checked
    archive = await asyncio.to_thread(checked, content, ada.world.issuer)
    values = {a["name"]: a["value"] for a in archive["connections"][0]["attributes"]}
    assert values["name"] == "Ada Lovelace"
    for issued in ada.world.provider.issued:
        assert issued.value.encode() not in content
    with pytest.raises(files.module("archive").jwt.InvalidTokenError):
        await asyncio.to_thread(checked, content.replace(b"Lovelace", b"Nobody's"), ada.world.issuer)
    assert await ada.heading() == "Your data"
