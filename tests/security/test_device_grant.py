"""Devices without a browser (RFC 8628): somebody else's device, guessed codes, forged answers, and races."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import quote

import pytest

from broker.web.guard import REFUSALS
from broker.web.handlers.devices import GUESSES, PER_SECONDS
from tests.security.browser import SAME_ORIGIN, Browser, ask
from tests.security.device import Device, answer
from tests.security.template import CLIENTS
from tests.security.world import World

pytestmark = pytest.mark.anyio


async def test_a_link_alone_lets_nobody_in(world: World, ada: Browser, mallory: Browser) -> None:
    """RFC 8628 section 5.4: the code in it is filled in, the page warns, and only the two clicks of a User count."""
    device = await Device(mallory).begin()
    await ada.sign_in()

    page = await ada.get(f"/device?user_code={device.user_code.lower()}")
    assert f'value="{device.user_code}"' in page.text
    assert "Demo on TV" not in page.text
    confirm = await ada.press("/device", {"user_code": device.user_code})
    assert "Demo on TV" in confirm.text
    assert "Only go on if you started this on a device in front of you." in confirm.text
    assert device.user_code in confirm.text
    assert await device.error() == "authorization_pending"

    assert "You can go back to your device" in (await answer(ada, device)).text
    assert (await device.poll()).status_code == 200


async def test_whoever_has_to_sign_in_first_comes_back_with_the_code(world: World, ada: Browser) -> None:
    """G05-08: to the devices' page, whose form is checked at each step, and to nowhere else."""
    device = await Device(world.browser()).begin()
    first = await ada.get(f"/device?user_code={device.user_code}")
    there = f"/device?user_code={device.user_code}"
    assert first.headers["Location"] == f"/sign-in?return_to={quote(there, safe='')}"

    page = await ada.get(first.headers["Location"])
    (kept,) = set(re.findall(r'name="return_to" value="([^"]+)"', page.text))
    assert kept == there
    departed = await ada.post("/sign-in/google", {"return_to": kept})
    back = await ada.get(await ada.visit(departed.headers["Location"]))
    assert back.headers["Location"] == f"{world.settings.issuer}{there}"
    assert (await ada.get(there)).status_code == 200
    assert (await ada.get(first.headers["Location"])).headers["Location"] == there


async def test_a_sign_in_leads_to_no_other_page(world: World) -> None:
    """G05-08: what is not on the list is not carried on, from the link, the form or the cookie."""
    for target in ("//evil.example/device", "/device?user_code=x", "/account/data", "/device/../x"):
        ada = world.browser()
        assert "return_to" not in (await ada.get(f"/sign-in?return_to={quote(target, safe='')}")).text
        departed = await ada.post("/sign-in/google", {"return_to": target})
        back = await ada.get(await ada.visit(departed.headers["Location"]))
        assert back.headers["Location"] == f"{world.settings.issuer}/account"


async def test_nobody_answers_for_somebody_else(world: World, ada: Browser, mallory: Browser) -> None:
    """Another site's form, another Session's token, no Session, an answer that is none: the device still waits."""
    device = await Device(world.browser()).begin()
    await ada.sign_in()
    await mallory.sign_in("grace")
    form = {"user_code": device.user_code, "decision": "allow", "csrf": await ada.csrf()}
    forged = form | {"csrf": await mallory.csrf()}

    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
    ):
        assert (await ada.send("POST", "/device/answer", form=form, headers=headers)).status_code == 403
    assert (await ada.send("POST", "/device/answer", form=forged, headers=SAME_ORIGIN)).status_code == 403
    assert (await world.browser().post("/device/answer", form)).headers["Location"] == "/sign-in?return_to=%2Fdevice"
    for decision in ("", "yes", "ALLOW"):
        assert (await answer(ada, device, decision)).status_code == 400
    assert (await ada.get(f"/device/answer?user_code={device.user_code}&decision=allow")).status_code == 405
    assert await device.error() == "authorization_pending"


async def test_codes_are_not_found_by_guessing(world: World, ada: Browser) -> None:
    """RFC 8628 section 5.1: a User has ten guesses in the life of a code, at both forms together, from anywhere."""
    device = await Device(world.browser()).begin()
    await ada.sign_in()
    csrf = await ada.csrf()
    wrong = {"user_code": "bbbb bbbb", "csrf": csrf, "decision": "allow"}
    for number in range(GUESSES):
        page = await ada.post(("/device", "/device/answer")[number % 2], wrong)
        assert page.status_code == 400
        assert "No device waits with this code" in page.text
        assert 'value="bbbb bbbb"' in page.text
    assert (await ada.post("/device", wrong)).status_code == 429
    right = await ada.post("/device/answer", wrong | {"user_code": device.user_code})
    assert right.status_code == 429
    assert 0 < int(right.headers["Retry-After"]) <= PER_SECONDS
    assert await device.error() == "authorization_pending"

    grace = world.browser()
    await grace.sign_in("grace")
    assert (await grace.press("/device", {"user_code": device.user_code})).status_code == 200


async def test_a_device_that_waits_blocks_nobody(world: World, ada: Browser) -> None:
    """However often it asks: neither its address is blocked, nor has the ledger or the log a line of it."""
    device = await Device(world.browser("10.9.9.9")).begin()
    before = len(await world.store.events(1000))
    told = {await device.error() for _ in range(REFUSALS + 2)}

    assert told == {"authorization_pending", "slow_down"}
    assert len(await world.store.events(1000)) == before
    assert "slow_down" not in world.watch.log.text
    metrics = (await ada.get("/metrics")).text
    assert 'broker_refusals_total{reason="slow_down",route="token"} 101.0' in metrics


async def test_a_client_that_one_does_not_act_for_stays_out_of_reach(world: World, ada: Browser) -> None:
    """G11-02: nothing is allowed, the page says what to do, and the device waits on."""
    device = await Device(world.browser()).begin(organization="acme")
    grace = world.browser()
    await grace.sign_in("grace")
    for path in ("/device", "/device/answer"):
        page = await grace.press(path, {"user_code": device.user_code, "decision": "allow"})
        assert (page.status_code, await world.reason()) == (400, "access_denied")
        assert "administrator" in page.text
    assert await device.error() == "authorization_pending"

    await ada.sign_in()
    await answer(ada, device)
    tokens = (await device.poll()).json()
    assert (await ada.about_token("introspect", tokens["access_token"], "reports")).json() == {"active": False}


async def test_signing_out_ends_what_was_let_in(world: World, ada: Browser) -> None:
    """Its Grant is of the Session that allowed it, with a refresh token as without."""
    device = await Device(world.browser()).begin(scope="openid offline_access")
    waiting = await Device(world.browser()).begin()
    await ada.sign_in()
    await answer(ada, device)
    await answer(ada, waiting)
    tokens = (await device.poll()).json()
    assert (await ada.userinfo(tokens["access_token"])).status_code == 200
    await ada.press("/account/sign-out")

    assert (await ada.userinfo(tokens["access_token"])).status_code == 401
    assert (await ada.refresh(tokens["refresh_token"], "tv", may_change=("grants",))).status_code == 400
    assert await waiting.error() == "invalid_grant"


async def test_neither_kind_of_code_is_taken_for_the_other(world: World, ada: Browser) -> None:
    """By whom it may be and with whatever else: both still work for their own grant."""
    device = await Device(world.browser()).begin()
    await ada.sign_in()
    await answer(ada, device)
    request = ask()
    code = await ada.code_for(request)

    swapped = await ada.redeem(request, device.device_code, client_id="tv", redirect_uri="", code_verifier="")
    assert swapped.json()["error"] == "unauthorized_client"
    assert (await ada.redeem(request, device.device_code)).json()["error"] == "invalid_grant"
    assert await device.error(device_code=code) == "invalid_grant"
    assert (await ada.redeem(request, code)).status_code == 200
    assert (await device.poll()).status_code == 200


async def test_an_application_that_is_removed_has_no_devices(world: World, ada: Browser) -> None:
    """Between the answer and the question."""
    device = await Device(world.browser()).begin()
    await ada.sign_in()
    await answer(ada, device)
    await world.declare(clients=CLIENTS.partition("[applications.tv]")[0])

    assert (await device.poll()).json()["error"] == "invalid_client"
    assert await world.count("device_requests") == 0


async def test_of_many_answers_and_questions_at_once_one_counts(any_world: World) -> None:
    """Sixteen answers at two processes, and sixteen questions: one Grant, and tokens once, which live on."""
    other = await any_world.another()
    device = await Device(any_world.browser()).begin()
    people = [any_world.browser(app=app) for app in (any_world.app, other)]
    for person, persona in zip(people, ("ada", "grace"), strict=True):
        await person.sign_in(persona)
    form = {"user_code": device.user_code, "decision": "allow"}
    forms = [form | {"csrf": await person.csrf()} for person in people]
    with any_world.watch.together():
        answers = await asyncio.gather(
            *(people[number % 2].post("/device/answer", forms[number % 2]) for number in range(16))
        )
        assert sorted(a.status_code for a in answers) == [200] + [400] * 15
        assert await any_world.count("grants") == 1
        lines = [Device(any_world.browser(app=(any_world.app, other)[number % 2])) for number in range(16)]
        asked = await asyncio.gather(*(line.poll(device_code=device.device_code) for line in lines))

    won = [a for a in asked if a.status_code == 200]
    assert len(won) == 1
    assert {a.json()["error"] for a in asked if a.status_code != 200} == {"invalid_grant"}
    assert (await people[0].userinfo(won[0].json()["access_token"])).status_code == 200
