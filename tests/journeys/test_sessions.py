"""Sessions and signing out, in a real browser: here, elsewhere, and from the Application."""

from __future__ import annotations

import pytest

from tests.journeys.conftest import Somebody
from tests.journeys.person import Person

pytestmark = pytest.mark.anyio


async def test_a_session_in_another_browser_can_be_ended(person: Person, somebody: Somebody) -> None:
    """That browser is asked to sign in again; this one goes on."""
    elsewhere = await somebody(user_agent="Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/605.1")
    await elsewhere.sign_in()
    await person.sign_in_to_account()
    await person.open("sessions")

    browsers = [await row.locator("strong").inner_text() for row in await person.page.locator("main li").all()]
    assert sorted(browsers) == ["Chrome on Linux", "Safari on iPhone"]
    await person.go(person.page.get_by_role("button", name="End the session in Safari on iPhone"))
    browsers = [await row.locator("strong").inner_text() for row in await person.page.locator("main li").all()]
    assert browsers == ["Chrome on Linux"]
    assert "That browser has been signed out. You are still signed in here." in await person.text()

    await elsewhere.open()
    assert await elsewhere.heading() == "Sign in"
    assert "Your session has ended. Sign in again to carry on." in await elsewhere.text()
    assert {answer.label for answer in (await elsewhere.call_again()).values()} == {"Refused"}
    assert await person.is_signed_in()


async def test_all_other_sessions_can_be_ended_at_once(person: Person, somebody: Somebody) -> None:
    """How many is said."""
    others = [await somebody(), await somebody()]
    for other in (*others, person):
        await other.sign_in_to_account()
    await person.open("sessions")
    await person.press("End all other sessions")

    assert "2 other browsers have been signed out. You are still signed in here." in await person.text()
    assert [await other.is_signed_in() for other in others] == [False, False]
    assert await person.is_signed_in()


async def test_the_session_of_somebody_else_is_not_there_to_be_ended(person: Person, somebody: Somebody) -> None:
    """Grace sees hers alone, and Ada's id in her own form changes nothing."""
    await person.sign_in_to_account("Ada Lovelace")
    (ada,) = await person.world.rows("SELECT id FROM sessions")
    grace, her_phone = await somebody(), await somebody()
    await her_phone.sign_in_to_account("Grace Hopper")
    await grace.sign_in_to_account("Grace Hopper")
    await grace.open("sessions")
    assert await grace.page.locator("main li").count() == 2

    form = grace.page.locator("main li form")
    await form.evaluate("(form, id) => { form.action = `/account/sessions/${id}/end` }", ada["id"])
    await grace.go(form.get_by_role("button"))

    assert await person.is_signed_in()
    assert await her_phone.is_signed_in()


async def test_signing_out_of_the_application_ends_both_sessions_and_leads_back(person: Person) -> None:
    """RP-initiated: no question where the Application proves whom it means; afterwards nobody is signed in."""
    await person.sign_in()
    await person.press("Sign out")

    assert person.page.url == f"{person.world.application}/"
    assert await person.heading() == "Welcome"
    assert not await person.is_signed_in()
    assert [grant.alive for grant in person.world.provider.grants] == [True]  # signed out, not disconnected


async def test_who_signs_out_of_the_account_is_told_what_is_left_to_do(person: Person) -> None:
    """And the Application's service learns of it at once."""
    await person.sign_in()
    await person.open()
    await person.press("Sign out")

    assert await person.heading() == "You are signed out"
    assert {answer.label for answer in (await person.call_again()).values()} == {"Refused"}


async def test_a_link_that_proves_nothing_has_to_be_confirmed(person: Person) -> None:
    """Somebody else's link to the sign-out page signs nobody out by itself, and there is a way back."""
    link = f"{person.world.issuer}/oauth/end-session?client_id=demo-app"
    await person.sign_in_to_account()
    await person.page.goto(link)
    await person.follow("Stay signed in")
    assert await person.heading() == "Hello, Ada Lovelace"
    await person.page.goto(link)

    assert await person.heading() == "Sign out of Partner Ops?"
    assert "Demo asks us to sign you out. You are signed in as Ada Lovelace." in await person.text()
    tab = await person.tab()
    assert await tab.is_signed_in()
    await person.press("Sign out")
    assert await person.heading() == "You are signed out"
    assert not await tab.is_signed_in()


async def test_a_session_ends_when_it_is_left_alone(person: Person) -> None:
    """After an hour without a request; a request in between keeps it."""
    await person.sign_in_to_account()
    for _quarter in range(6):
        person.world.clock.advance(15 * 60)
        assert await person.is_signed_in()
    person.world.clock.advance(3600)

    assert not await person.is_signed_in()


async def test_a_session_jwt_ends_after_five_minutes(person: Person) -> None:
    """The service refuses it from its own clock, whatever the session."""
    await person.sign_in()
    person.world.clock.advance(300 + 31)  # the service's leeway is half a minute

    assert {answer.says for answer in (await person.call_again()).values()} == {
        "The session JWT is refused. It has expired."
    }
    await person.follow("sign in again")
    assert {answer.label for answer in (await person.answers()).values()} == {"Allowed"}
