"""Signing in, in a real browser: what a User, a stranger and the Application get to see."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.journeys.person import INVITE, Answer, Person, a_person
from tests.world.world import World, open_world

pytestmark = pytest.mark.anyio

REPORT = "Twelve invoices, all paid. Written for {}."
REFUSED = "This Client has not given the User the right reports:read."


@pytest.fixture(params=["sqlite", "sqlite and redis", "postgresql", "postgresql and redis"])
async def any_world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """The same world on every engine that a broker can run on."""
    database_url = request.getfixturevalue("postgres_url") if "postgresql" in request.param else None
    redis_url = request.getfixturevalue("redis_url") if "redis" in request.param else None
    async with open_world(tmp_path, database_url=database_url, redis_url=redis_url) as world:
        yield world


async def test_ada_signs_in_disconnects_and_comes_back(any_world: World, chromium: Browser) -> None:
    """The whole of it, on every engine: the service answers, refuses once she has disconnected, and knows her again."""
    async with a_person(chromium, any_world) as person:
        await _sign_in_disconnect_and_come_back(person)


async def _sign_in_disconnect_and_come_back(person: Person) -> None:
    await person.sign_in("Ada Lovelace")
    assert (
        await person.heading() == "Hello, ada@acme.example"
    )  # acme has narrowed the policy: its name for her is not told
    assert await person.answers() == {
        "acme": Answer(label="Allowed", says=REPORT.format("acme"), rights=("invoices:read", "reports:read")),
        "globex": Answer(label="Allowed", says=REPORT.format("globex"), rights=("reports:read",)),
    }
    claims = await person.claims()
    assert claims["authorizations"] == {"acme": ["invoices:read", "reports:read"], "globex": ["reports:read"]}

    await person.disconnect()
    assert await person.heading() == "You are signed out"
    assert "Disconnected here, and Google has been told." in await person.text()
    assert [grant.alive for grant in person.world.provider.grants] == [False]
    assert not await person.is_signed_in()
    over = "The broker says that this session is over: signed out, disconnected or withdrawn."
    assert {answer.says for answer in (await person.call_again()).values()} == {over}

    await person.follow("sign in again")
    await person.press("Sign in with Google")
    await person.allow("Ada Lovelace")
    again = await person.claims()
    assert again["sub"] == claims["sub"]
    assert again["sid"] != claims["sid"]
    assert {answer.label for answer in (await person.answers()).values()} == {"Allowed"}
    assert await person.world.count("users") == 1


async def test_the_account_names_the_user_both_clients_and_the_rights(person: Person) -> None:
    """In words, not in codes."""
    await person.sign_in_to_account("Ada Lovelace")

    assert await person.heading() == "Hello, Ada Lovelace"
    assert await person.card("Acme Inc.").get_by_role("listitem").all_inner_texts() == ["Read invoices", "Read reports"]
    assert await person.card("Globex Corporation").get_by_role("listitem").all_inner_texts() == ["Read reports"]
    assert "One account you sign in with" in await person.text()
    assert "Signed in here and nowhere else" in await person.text()


async def test_the_connections_page_names_what_is_kept_and_why(person: Person) -> None:
    """Each attribute with its purpose, as the policy says it; and what Google was asked for."""
    await person.sign_in_to_account("Ada Lovelace")
    await person.go(person.page.get_by_role("link", name="Connections", exact=True))

    rows = [await row.locator("th, td").all_inner_texts() for row in await person.page.get_by_role("row").all()]
    assert [row[:3] for row in rows] == [
        ["What", "Value", "Why"],
        ["Email address", "ada@acme.example", "Contact address for Partner Ops notices"],
        ["Name", "Ada Lovelace", "Shown to colleagues in Partner Ops"],
    ]
    asked = ["See your email address", "Know which account is yours", "See your name and picture"]
    assert await person.card("Google").get_by_role("listitem").all_inner_texts() == asked


async def test_what_is_kept_is_said_before_the_button_is_pressed(person: Person) -> None:
    """And the Application that waits is named."""
    await person.page.goto(person.world.application)
    await person.follow("Sign in with Partner Ops")

    assert "to continue to Demo" in await person.text()
    described = await person.page.get_by_role("button", name="Sign in with Google").get_attribute("aria-describedby")
    said = await person.page.locator(f"#{described}").inner_text()
    assert said == "Of your Google profile we keep your email address and name. Nothing else."


async def test_grace_works_for_globex_alone(person: Person) -> None:
    """The service refuses her at acme, and says why."""
    await person.sign_in("Grace Hopper")

    assert (await person.claims())["authorizations"] == {"globex": ["reports:read", "reports:write"]}
    answers = await person.answers()
    assert answers["globex"].rights == ("reports:read", "reports:write")
    assert answers["acme"] == Answer(label="Refused", says=REFUSED, rights=())


async def test_a_session_for_one_client_speaks_for_no_other(person: Person) -> None:
    """Ada chose acme: globex is refused, though she works for it."""
    await person.sign_in("Ada Lovelace", organization="acme")

    claims = await person.claims()
    assert (claims["org_id"], claims["authorizations"]) == ("acme", {"acme": ["invoices:read", "reports:read"]})
    assert {name: answer.label for name, answer in (await person.answers()).items()} == {
        "acme": "Allowed",
        "globex": "Refused",
    }


async def test_a_stranger_is_told_whom_to_ask(person: Person) -> None:
    """Signed in, by the address that an administrator has to invite; and no Client."""
    await person.sign_in_to_account("Sam Stranger")

    assert await person.heading() == "Hello, Sam Stranger"
    assert "You do not work for anybody here yet" in await person.text()
    assert f"{INVITE} sam.stranger@gmail.com." in await person.text()


async def test_a_stranger_gets_no_rights_in_an_application(person: Person) -> None:
    """The session JWT says so, and the service keeps to it."""
    await person.sign_in("Sam Stranger")

    assert (await person.claims())["authorizations"] == {}
    assert await person.answers() == {
        name: Answer(label="Refused", says=REFUSED, rights=()) for name in ("acme", "globex")
    }


async def test_who_declines_is_told_so_by_the_application(person: Person) -> None:
    """access_denied reaches it, and nothing is stored."""
    await person.go_to_the_provider()
    await person.press("Deny")

    assert person.page.url.startswith(f"{person.world.application}/callback?error=access_denied&")
    assert await person.heading() == "You are not signed in"
    assert (await person.world.count("users"), await person.world.count("sessions")) == (0, 0)
    assert not person.world.provider.grants


async def test_who_declines_on_the_way_to_their_own_pages_gets_a_friendly_page(person: Person) -> None:
    """What happened, what to do, and a way to start again which works."""
    await person.page.goto(person.world.issuer)
    await person.press("Sign in with Google")
    await person.press("Deny")

    assert await person.heading() == "You did not sign in with Google"
    assert await person.world.count("users") == 0
    await person.follow("Start again")
    await person.press("Sign in with Google")
    await person.allow("Ada Lovelace")
    assert await person.heading() == "Hello, Ada Lovelace"


async def test_three_tabs_finish_in_the_order_in_which_people_please(person: Person) -> None:
    """Each has an attempt of its own; the last one begun comes back first."""
    tabs = [person, await person.tab(), await person.tab()]
    for tab in tabs:
        await tab.go_to_the_provider()

    for tab in reversed(tabs):
        await tab.allow("Ada Lovelace")
        assert {answer.label for answer in (await tab.answers()).values()} == {"Allowed"}

    assert (await person.world.count("users"), await person.world.count("connections")) == (1, 1)
    assert await person.is_signed_in()


async def test_who_goes_back_and_allows_twice_is_still_signed_in(person: Person) -> None:
    """The second answer belongs to a sign-in that is finished: a page says so, and nothing is lost."""
    await person.sign_in_to_account()
    await person.page.go_back()
    await person.press("Allow")

    assert await person.heading() == "This sign-in was not started here"
    assert await person.is_signed_in()
    assert await person.world.count("sessions") == 1


async def test_who_takes_too_long_at_the_provider_may_start_again(person: Person) -> None:
    """After ten minutes an answer is not taken any more."""
    await person.page.goto(person.world.issuer)
    await person.press("Sign in with Google")
    person.world.clock.advance(10 * 60)
    await person.allow()

    assert await person.heading() == "This sign-in took too long"
    await person.follow("Start again")
    await person.press("Sign in with Google")
    await person.allow()
    assert await person.heading() == "Hello, Ada Lovelace"


@pytest.mark.parametrize("fault", ["wrong_nonce", "error_500", "wrong_state", "no_callback_issuer"])
async def test_a_provider_that_misbehaves_signs_nobody_in(person: Person, fault: str) -> None:
    """A page says what to do, and the same person signs in as soon as the Provider behaves."""
    await person.page.goto(person.world.issuer)
    await person.press("Sign in with Google")
    await person.allow(fault=fault)

    assert person.page.url.startswith(f"{person.world.issuer}/callback/google")
    assert "If you ask for help, quote this reference" in await person.text()
    assert not await person.is_signed_in()
    assert await person.world.count("users") == 0
    await person.press("Sign in with Google")
    await person.allow()
    assert await person.heading() == "Hello, Ada Lovelace"


async def test_a_scope_that_was_unticked_leaves_nothing_behind(person: Person) -> None:
    """Without the name there is none: not kept, not shown, not in the session JWT."""
    await person.sign_in("Ada Lovelace", without=["See your name and picture"])

    assert "name" not in await person.claims()
    await person.open("connections")
    rows = [await row.locator("th").first.inner_text() for row in await person.page.get_by_role("row").all()]
    assert rows == ["What", "Email address"]
    asked = ["See your email address", "Know which account is yours"]
    assert await person.card("Google").get_by_role("listitem").all_inner_texts() == asked
    assert "Ada Lovelace" not in await person.page.content()


async def test_who_has_a_session_is_not_asked_again(person: Person) -> None:
    """The Application signs in once more; the broker answers at once, with the same session."""
    await person.sign_in("Ada Lovelace")
    first = await person.claims()
    await person.follow("sign in again")

    again = await person.claims()
    assert person.page.url == f"{person.world.application}/"
    assert (again["sub"], again["sid"]) == (first["sub"], first["sid"])
    assert again["jti"] != first["jti"]
    assert person.world.provider.requests["authorize"] == 1


async def test_two_accounts_in_one_browser_do_not_live_beside_each_other(person: Person) -> None:
    """Grace comes back in a tab that was opened before Ada signed in: Ada's session ends, and nothing is mixed up."""
    tab = await person.tab()
    await tab.page.goto(person.world.issuer)
    await tab.press("Sign in with Google")
    await person.sign_in("Ada Lovelace")
    await tab.allow("Grace Hopper")

    assert await tab.heading() == "Hello, Grace Hopper"
    assert {answer.label for answer in (await person.call_again()).values()} == {"Refused"}
    ended = await person.world.rows("SELECT ended_at FROM sessions")
    assert sorted(row["ended_at"] is None for row in ended) == [False, True]
    assert await person.world.count("users") == 2
