"""Applications with access, in a real browser: seen, removed, asked for again; and signing out everywhere."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from tests.journeys.conftest import Somebody
from tests.journeys.person import Person

pytestmark = pytest.mark.anyio

CALENDAR = """
[applications.calendar]
name = "Calendar Inc."
type = "public"
redirect_uris = ["{application}/calendar"]
audience = "https://calendar.example"
"""
ASKS = (
    "/oauth/authorize?client_id=calendar&response_type=code&scope=openid%20email%20offline_access&state=s&nonce=n"
    "&code_challenge_method=S256&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&redirect_uri={application}"
    "/calendar"
)
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636 appendix B


class Calendar:
    """A third party's Application: what it does at the token endpoint."""

    def __init__(self, person: Person) -> None:
        self.world = person.world
        self.refresh_token = ""

    async def allowed_by(self, person: Person) -> None:
        """Be asked for, allowed, and fetch the tokens."""
        redirect_uri = f"{self.world.application}/calendar"
        await person.page.goto(self.world.issuer + ASKS.format(application=self.world.application))
        assert await person.heading() == "Allow Calendar Inc.?"
        async with person.page.expect_request(lambda request: request.url.startswith(redirect_uri)) as back:
            await person.press("Allow")
        code = parse_qs(urlsplit((await back.value).url).query)["code"][0]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        assert (await self._ask(form | {"code_verifier": VERIFIER})).status_code == 200

    async def refresh(self) -> httpx2.Response:
        """While the person is away."""
        return await self._ask({"grant_type": "refresh_token", "refresh_token": self.refresh_token})

    async def _ask(self, form: dict[str, str]) -> httpx2.Response:
        async with httpx2.AsyncClient() as there:
            answer = await there.post(f"{self.world.issuer}/oauth/token", data={"client_id": "calendar", **form})
        self.refresh_token = answer.json().get("refresh_token", self.refresh_token)
        return answer


async def test_access_is_removed_and_asked_for_again_and_everything_is_signed_out(
    person: Person, somebody: Somebody
) -> None:
    """What the page says happens: the Application's key is dead, it asks anew, and in the end all is over."""
    world = person.world
    await world.declare(CALENDAR.format(application=world.application))
    elsewhere = await somebody()
    await elsewhere.sign_in()
    await person.sign_in_to_account()
    calendar = Calendar(person)
    await calendar.allowed_by(person)
    assert (await calendar.refresh()).status_code == 200

    await person.open()
    await person.follow("2 applications have access")
    card = person.card("Calendar Inc.")
    assert "Not made by Partner Ops" in await card.inner_text()
    assert "It may go on" in await card.inner_text()
    await person.go(card.get_by_role("link", name="Remove access"))
    assert await person.heading() == "Remove access of Calendar Inc.?"
    assert "It cannot go on while you are away." in await person.text()
    await person.press("Remove access")
    assert "Calendar Inc. has no access any more." in await person.text()
    assert await person.card("Calendar Inc.").count() == 0
    assert (await calendar.refresh()).json()["error"] == "invalid_grant"

    await calendar.allowed_by(person)
    await person.open("sessions")
    await person.follow("Sign out everywhere")
    assert "What Calendar Inc. and Demo may see and do for you ends" in await person.text()
    await person.press("Sign out everywhere")
    assert await person.heading() == "You are signed out"
    assert [await each.is_signed_in() for each in (person, elsewhere)] == [False, False]
    assert {answer.label for answer in (await elsewhere.call_again()).values()} == {"Refused"}
    assert (await calendar.refresh()).json()["error"] == "invalid_grant"
