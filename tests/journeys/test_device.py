"""A device without a browser is let in by somebody who signs in for it on the way."""

from __future__ import annotations

import pytest
from httpx2 import AsyncClient

from tests.journeys.person import Person, claims_of
from tests.world.world import World

pytestmark = pytest.mark.anyio

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
TV = f"""
[applications.tv]
name = "Films on TV"
type = "public"
grants = ["{DEVICE_CODE}", "refresh_token"]
audience = "https://films.example"
"""


async def test_a_television_is_let_in_from_a_telephone(world: World, person: Person) -> None:
    """By its link, a sign-in, a mistyped code, the comparison and the warning; signing out ends it."""
    await world.declare(TV)
    async with AsyncClient(base_url=world.issuer) as tv:
        asked = {"client_id": "tv", "scope": "openid email offline_access"}
        told = (await tv.post("/oauth/device_authorization", data=asked)).json()
        device = {"client_id": "tv", "grant_type": DEVICE_CODE, "device_code": told["device_code"]}
        assert (await tv.post("/oauth/token", data=device)).json()["error"] == "authorization_pending"

        await person.page.goto(told["verification_uri_complete"])
        assert await person.heading() == "Sign in"
        await person.press("Sign in with Google")
        await person.allow("Ada Lovelace")
        assert await person.heading() == "Connect a device"
        assert await person.page.get_by_label("Code").input_value() == told["user_code"]

        await person.page.get_by_label("Code").fill("bcdf bcdf")
        await person.press("Continue")
        assert "No device waits with this code" in await person.text()
        await person.page.get_by_label("Code").fill(told["user_code"].lower().replace("-", " "))
        await person.press("Continue")
        assert await person.heading() == "Allow Films on TV on your device?"
        page = await person.text()
        for said in (
            told["user_code"],
            "Only go on if you started this",
            "not made by",
            "ada@acme.example",
            "Acme Inc.",
        ):
            assert said in page
        await person.press("Allow")
        assert await person.heading() == "You can go back to your device"

        tokens = (await tv.post("/oauth/token", data=device)).json()
        assert claims_of(tokens["access_token"])["authorizations"].keys() == {"acme", "globex"}
        again = {"client_id": "tv", "grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        newer = (await tv.post("/oauth/token", data=again)).json()
        await person.open()
        await person.press("Sign out")
        gone = await tv.post("/oauth/token", data=again | {"refresh_token": newer["refresh_token"]})
        assert gone.json()["error"] == "invalid_grant"
