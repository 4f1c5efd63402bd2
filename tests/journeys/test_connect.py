"""Connecting a further account: done, declined, or somebody else's already."""

from __future__ import annotations

import pytest

from tests.journeys.conftest import Somebody
from tests.journeys.person import Person

pytestmark = pytest.mark.anyio


async def _connect(person: Person) -> None:
    await person.open("connections")
    await person.press("Continue with Google")


async def test_whoever_connects_another_account_is_shown_both(person: Person) -> None:
    """And what is kept of each."""
    await person.sign_in_to_account("Ada Lovelace")
    await _connect(person)
    await person.allow("Sam Stranger")

    assert await person.heading() == "Your connections"
    assert "Google is connected." in await person.text()
    assert await person.page.locator("article").count() == 2


async def test_who_declines_while_connecting_is_led_back_to_their_connections(person: Person) -> None:
    """Nothing has changed, and nobody has to sign in again."""
    await person.sign_in_to_account("Ada Lovelace")
    await _connect(person)
    await person.press("Deny")

    assert await person.heading() == "Google was not connected"
    await person.follow("Back to your connections")
    assert await person.heading() == "Your connections"
    assert await person.page.locator("article").count() == 1


async def test_an_account_of_somebody_elses_is_not_connected(person: Person, somebody: Somebody) -> None:
    """The page says so, not whose it is, and leads back."""
    await (await somebody()).sign_in_to_account("Grace Hopper")
    await person.sign_in_to_account("Ada Lovelace")
    await _connect(person)
    await person.allow("Grace Hopper")

    assert await person.heading() == "This account belongs to somebody else"
    assert "grace" not in (await person.text()).lower()
    await person.follow("Back to your connections")
    assert await person.page.locator("article").count() == 1
