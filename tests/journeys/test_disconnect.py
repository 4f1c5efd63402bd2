"""Revoking a Connection, in a real browser: confirmed, told to the Provider, and told later where it does not answer."""

from __future__ import annotations

import pytest

from tests.journeys.conftest import Somebody, eventually
from tests.journeys.person import Person
from tests.world.world import World

pytestmark = pytest.mark.anyio

UNTOLD = "Disconnected here. Google could not be reached yet; we keep trying."


async def test_the_page_asks_first_and_says_how_far_it_reaches(person: Person) -> None:
    """Cancelling changes nothing."""
    await person.sign_in_to_account()
    await person.open("connections")
    await person.page.get_by_role("link", name="Disconnect Google").click()

    asked = await person.text()
    assert await person.heading() == "Disconnect Google?"
    assert "Sign-ins with this Google account end, in every browser, at once. You will be signed out here." in asked
    assert "Your email address and name, as kept from Google." in asked
    assert "Google ends everything that you allowed Partner Ops, on all your devices." in asked
    assert "A fingerprint of the account, from which nobody can tell whose it is" in asked

    await person.page.get_by_role("link", name="Cancel").click()
    assert await person.heading() == "Your connections"
    assert [grant.alive for grant in person.world.provider.grants] == [True]
    assert await person.is_signed_in()


async def test_every_browser_of_the_user_is_signed_out(person: Person, somebody: Somebody) -> None:
    """Also the one on the other desk, and what its Application had got."""
    elsewhere = await somebody()
    await elsewhere.sign_in()
    await person.sign_in_to_account()
    await person.disconnect()

    assert not await person.is_signed_in()
    assert not await elsewhere.is_signed_in()
    assert {answer.label for answer in (await elsewhere.call_again()).values()} == {"Refused"}


async def test_nobody_else_is_disturbed(person: Person, somebody: Somebody) -> None:
    """Grace works on while Ada disconnects."""
    grace = await somebody()
    await grace.sign_in("Grace Hopper")
    await person.sign_in_to_account("Ada Lovelace")
    await person.disconnect()

    assert (await grace.call_again())["globex"].label == "Allowed"
    assert {grant.persona.persona_id: grant.alive for grant in grace.world.provider.grants} == {
        "ada": False,
        "grace": True,
    }


async def test_a_provider_that_is_away_is_told_when_it_is_back(person: Person) -> None:
    """The page says so; what is still to be told survives that the broker ends and begins anew."""
    world = person.world
    await person.sign_in_to_account()
    world.stop("provider")
    await person.disconnect()

    assert UNTOLD in await person.text()
    assert not await person.is_signed_in()
    assert [row["result"] for row in await world.rows("SELECT result FROM pending_revocations")] == ["pending"]
    assert [grant.alive for grant in world.provider.grants] == [True]

    world.stop("broker")
    world.start("provider")
    world.clock.advance(10)
    world.start("broker")
    await eventually(lambda: not world.provider.grants[0].alive)
    await eventually(lambda: _told(world))


async def test_the_account_remembers_what_became_of_an_old_connection(person: Person, somebody: Somebody) -> None:
    """A User with two accounts ends one of them while its Provider is away: first pending, then told."""
    world = person.world
    await person.sign_in_to_account()
    world.provider.faults_at["revoke"] = "error_500"
    await person.disconnect()
    assert UNTOLD in await person.text()

    await person.page.get_by_role("link", name="Sign in again").click()
    await person.press("Sign in with Google")
    await person.allow()
    del world.provider.faults_at["revoke"]
    world.clock.advance(10)
    await eventually(lambda: _told(world))


async def test_a_refusal_of_another_site_is_not_taken_for_a_wish(person: Person) -> None:
    """A form on the Provider's site that posts to the disconnect page finds nobody to obey it."""
    await person.sign_in_to_account()
    await person.open("connections")
    target = await person.page.get_by_role("link", name="Disconnect Google").get_attribute("href")
    await person.page.goto(person.world.provider.issuer)
    form = f'<form method="post" action="{person.world.issuer}{target}"><button>Win a prize</button></form>'
    await person.page.evaluate("form => { document.body.innerHTML = form }", form)
    await person.press("Win a prize")

    assert await person.heading() != "You are signed out"
    assert [grant.alive for grant in person.world.provider.grants] == [True]
    assert await person.is_signed_in()


async def _told(world: World) -> bool:
    return [row["result"] for row in await world.rows("SELECT result FROM pending_revocations")] == ["revoked"]
