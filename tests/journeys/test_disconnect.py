"""Revoking a Connection, in a real browser: confirmed, told to the Provider, or told later where it is away."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.journeys.conftest import Somebody
from tests.journeys.person import Person, a_person, eventually
from tests.world.files import POLICY, provider_client_id
from tests.world.world import World, open_world

pytestmark = pytest.mark.anyio

UNTOLD = "Disconnected here. Google could not be reached yet; we keep trying."


async def test_the_page_asks_first_and_says_how_far_it_reaches(person: Person) -> None:
    """Cancelling changes nothing."""
    await person.sign_in_to_account()
    await person.open("connections")
    await person.follow("Disconnect Google")

    asked = await person.text()
    assert await person.heading() == "Disconnect Google?"
    assert "Sign-ins with this Google account end, in every browser, at once. You will be signed out here." in asked
    assert "Your email address and name, as kept from Google." in asked
    assert "Google ends everything that you allowed Partner Ops, on all your devices." in asked
    assert "A fingerprint of the account, from which nobody can tell whose it is" in asked

    await person.follow("Cancel")
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
    await eventually(lambda: _told(world))
    assert [grant.alive for grant in world.provider.grants] == [False]


async def test_who_connects_again_before_google_could_be_told_keeps_the_new_connection(person: Person) -> None:
    """Google would end the whole grant by the old token, and with it what was allowed anew."""
    world = person.world
    await person.sign_in_to_account()
    world.provider.faults_at["revoke"] = "error_500"
    await person.disconnect()
    await person.sign_in()
    del world.provider.faults_at["revoke"]
    world.clock.advance(10)
    await eventually(lambda: _settled(world))

    assert [grant.alive for grant in world.provider.grants] == [True]
    assert {answer.label for answer in (await person.call_again()).values()} == {"Allowed"}


async def test_a_provider_that_hangs_keeps_nobody_waiting(person: Person) -> None:
    """After some seconds the page is there; what was to be destroyed here is destroyed."""
    await person.sign_in_to_account()
    person.world.provider.faults_at["revoke"] = "hang"
    await person.disconnect()

    assert UNTOLD in await person.text()
    assert not await person.is_signed_in()
    (connection,) = await person.world.rows("SELECT sealed_attributes, sealed_tokens FROM connections")
    assert set(connection.values()) == {None}


async def test_the_connections_page_remembers_what_became_of_one(tmp_path: Path, chromium: Browser) -> None:
    """A User with two accounts ends one while its Provider is away: first pending, then told."""
    two = {"google": "google", "corp": "oidc"}
    policy = POLICY + '[corp.keep]\nemail = "A second address"\n'
    async with open_world(tmp_path, registrations=two, policy=policy) as world, a_person(chromium, world) as person:
        await person.sign_in_to_account()
        await person.open("connections")
        await person.press("Continue with OpenID Connect")
        await person.allow()
        assert await person.page.locator("article.connection").count() == 2

        world.provider.faults_at["revoke"] = "error_500"
        await person.follow("Disconnect OpenID Connect")
        await person.press("Disconnect OpenID Connect")
        assert "Disconnected here. OpenID Connect could not be reached yet; we keep trying." in await person.text()
        assert "could not be reached yet; we keep trying, next within a minute. Pending" in await person.text()

        del world.provider.faults_at["revoke"]
        world.clock.advance(10)
        await eventually(lambda: _told(world))
        await person.open("connections")
        assert "OpenID Connect has been told. Disconnected" in await person.text()
        assert {grant.client_id: grant.alive for grant in world.provider.grants} == {
            provider_client_id("google"): True,
            provider_client_id("corp"): False,
        }


async def test_a_form_on_another_site_disconnects_nothing(person: Person) -> None:
    """Not even with the right address of the right Connection."""
    await person.sign_in_to_account()
    await person.open("connections")
    target = await person.page.get_by_role("link", name="Disconnect Google").get_attribute("href")
    await person.page.goto(person.world.provider.issuer)
    form = f'<form method="post" action="{person.world.issuer}{target}"><button>Win a prize</button></form>'
    await person.page.evaluate("form => { document.body.innerHTML = form }", form)
    await person.press("Win a prize")

    assert await person.heading() == "This did not work"
    assert [grant.alive for grant in person.world.provider.grants] == [True]
    assert await person.is_signed_in()


async def _told(world: World) -> bool:
    return [row["result"] for row in await world.rows("SELECT result FROM pending_revocations")] == ["revoked"]


async def _settled(world: World) -> bool:
    return not await world.rows("SELECT id FROM pending_revocations WHERE result = 'pending'")
