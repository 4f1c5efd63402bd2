"""G01: a callback finishes only the trip that this browser began: state, cookie, nonce, PKCE, once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from broker.domain.attempt import LIFETIME, MAX_IN_ONE_BROWSER
from broker.domain.pkce import challenge_of
from broker.flows.sign_in.finish import LEASE_SECONDS
from broker.web.cookies import Cookies
from tests.fakes.providers.oidc import FakeOpenIdProvider
from tests.fakes.providers.provider import SettableClock
from tests.fakes.providers.stage import on_stage
from tests.security.browser import Browser, answered, ask
from tests.security.template import HTTP, HTTPS, Template
from tests.security.trips import attempt_in, bent, refused, state_of
from tests.security.world import World, open_world, registration

pytestmark = pytest.mark.anyio

COOKIES = Cookies(secure=True)


async def test_an_attackers_code_signs_nobody_in(world: World, ada: Browser, mallory: Browser) -> None:
    """G01-01: a link to the attacker's own callback, opened by the victim, is login CSRF (RFC 9700 section 4.7)."""
    await ada.sign_in("ada")
    tokens_asked = world.google.provider.requests["token"]
    callback = await mallory.trip("stranger")

    await refused(world, ada, callback, "invalid_state")

    assert world.google.provider.requests["token"] == tokens_asked
    assert "ada@acme.example" in (await ada.get("/account/data")).text


async def test_an_attackers_code_signs_in_no_visitor_either(world: World, ada: Browser, mallory: Browser) -> None:
    """G01-01: nor where nobody was signed in before."""
    await refused(world, ada, await mallory.trip("stranger"), "invalid_state")

    assert not await ada.is_signed_in()
    assert world.google.provider.requests["token"] == 0


async def test_the_state_lives_in_the_browser_alone(world: World, ada: Browser, mallory: Browser) -> None:
    """G01-02: whatever processes share, they share no attempt, so that none can be finished from elsewhere."""
    before = await world.tables()
    callback = await mallory.trip("stranger")
    assert await world.tables() == before
    other = await world.another()

    await refused(world, world.browser(app=other), callback, "invalid_state")


async def test_a_trip_may_end_at_another_process(world: World, ada: Browser) -> None:
    """G01-02: and the right browser is recognised by every process."""
    callback = await ada.trip()
    elsewhere = world.browser(app=await world.another())
    elsewhere.http.cookies = ada.http.cookies

    assert (await elsewhere.get(callback)).headers["Location"] == f"{world.settings.issuer}/account"


async def test_a_valid_cookie_does_not_vouch_for_another_state(world: World, ada: Browser, mallory: Browser) -> None:
    """G01-03: the cookie's own state is compared, not only its presence."""
    callback = await mallory.trip("stranger")
    await ada.begin()
    headers = {"Cookie": f"{COOKIES.attempt(state_of(callback))}={ada.cookie('attempt')}"}

    answer = await world.browser().get(callback, headers=headers)

    assert (answer.status_code, await world.reason()) == (400, "invalid_state")
    assert world.google.provider.requests["token"] == 0


@pytest.mark.parametrize("state", ["", "x", "é", "\x00", "a" * 600, "%"])
async def test_a_state_of_ones_own_is_refused(world: World, ada: Browser, state: str) -> None:
    """G01-03: no state but the attempt's own will do, however it looks."""
    callback = bent(await ada.trip(), state=state)

    assert (await ada.get(callback)).status_code == 400
    assert world.google.provider.requests["token"] == 0


async def test_nothing_a_caller_supplies_becomes_a_state(world: World, mallory: Browser) -> None:
    """G01-04: no endpoint seals what it was handed; state, nonce and verifier are the broker's own."""
    chosen = "chosen-by-the-attacker-of-this-case-01234567890"
    names = ("state", "nonce", "code_verifier", "verifier", "registration", "id", "continue_to", "initiator")
    form = ask().parameters | dict.fromkeys(names[2:], chosen) | {"nonce": chosen, "state": chosen}
    del form["registration"]

    await mallory.post("/sign-in/google", form)

    attempt = attempt_in(mallory, world)
    assert chosen not in (attempt.state, attempt.nonce, attempt.code_verifier, attempt.id, attempt.initiator)
    assert parse_qs(attempt.continue_to)["state"] == [chosen]  # the Application's own, which goes back to it


@pytest.mark.parametrize("value", ["", "x", "c1.", "c1.AAAA", "c1." + "A" * 200, "nokey." + "A" * 200, "é", "A" * 9000])
async def test_a_cookie_of_ones_own_is_no_attempt(world: World, value: str) -> None:
    """G01-04: only what the broker sealed opens."""
    headers = {"Cookie": f"{COOKIES.attempt('mine')}={value}"}
    answer = await world.browser().get("/callback/google?state=mine&code=x", headers=headers)

    assert (answer.status_code, await world.reason()) == (400, "invalid_state")


async def test_no_other_cookie_of_ours_is_an_attempt(world: World, ada: Browser) -> None:
    """G01-04: a Session's cookie, or the token of its forms, opens as nothing else."""
    await ada.sign_in()
    for value in (ada.cookie("session"), await ada.csrf()):
        headers = {"Cookie": f"{COOKIES.attempt('mine')}={value}"}
        answer = await world.browser().get("/callback/google?state=mine&code=x", headers=headers)

        assert (answer.status_code, await world.reason()) == (400, "invalid_state")


async def test_a_callback_works_once(any_world: World) -> None:
    """G01-05: the same address with the same cookie, after it has signed somebody in."""
    browser = any_world.browser()
    callback = await browser.trip()
    kept = {cookie.name: cookie.value or "" for cookie in browser.http.cookies.jar}
    await browser.get(callback)
    for name, value in kept.items():
        browser.http.cookies.set(name, value, domain="id.example")

    page = await refused(any_world, browser, callback, "used_state")

    assert "This sign-in is done already" in page
    assert any_world.google.provider.requests["token"] == 1
    assert await browser.is_signed_in()


@pytest.mark.parametrize("waits", [False, True], ids=["nobody waits", "an application waits"])
async def test_a_callback_opened_many_times_at_once_signs_in_once(
    any_world: World, redis_url: str, waits: bool
) -> None:
    """G01-05: at two processes, however they overlap: one code is redeemed, and one is for the Application; the others
    are shown a page, and no error is sent there."""
    apps = [await any_world.another(redis_url=redis_url) for _ in range(2)]
    browsers = [any_world.browser(app=apps[number % 2]) for number in range(8)]
    callback = await browsers[0].trip(request=ask() if waits else None)
    for other in browsers[1:]:
        other.http.cookies.update(browsers[0].http.cookies)
    with any_world.watch.together():
        answers = await asyncio.gather(*(browser.get(callback) for browser in browsers))

    assert sorted(answer.status_code for answer in answers) == [303] + [400] * 7
    assert {"Location" in answer.headers for answer in answers if answer.status_code == 400} == {False}
    assert any_world.google.provider.requests["token"] == 1
    assert [grant.alive for grant in any_world.google.provider.grants] == [True]
    assert [await any_world.count(table) for table in ("users", "sessions", "grants")] == [1, 1, int(waits)]
    (first,) = [browser for browser in browsers if browser.cookie("session")]
    assert await first.is_signed_in()


async def test_a_callback_that_comes_many_times_without_a_lease_signs_in_once(any_world: World) -> None:
    """G01-05: should leases be lost, and the Provider take a code each time, the database lets one of them finish."""
    browsers = [any_world.browser() for _ in range(8)]
    callback = await browsers[0].trip()
    for other in browsers[1:]:
        other.http.cookies.update(browsers[0].http.cookies)
    code = any_world.google.provider.store.code(parse_qs(urlsplit(callback).query)["code"][0])
    assert code is not None

    async def lend() -> None:
        while True:
            code.spent = False
            await any_world.store.forget_expired(any_world.clock.now() + LEASE_SECONDS)
            await asyncio.sleep(0)

    lending = asyncio.create_task(lend())
    with any_world.watch.together():
        answers = await asyncio.gather(*(browser.get(callback) for browser in browsers))
    lending.cancel()

    assert sorted(answer.status_code for answer in answers) == [303] + [400] * 7
    assert await any_world.count("sessions") == 1
    assert await any_world.count("users") == 1


async def test_a_trip_may_take_ten_minutes(world: World, ada: Browser) -> None:
    """G01-06: the last second still counts."""
    callback = await ada.trip()
    world.clock.advance(LIFETIME - 1)
    for code in world.google.provider.issued:
        if (kept := world.google.provider.store.code(code.value)) is not None:
            kept.expires_at += LIFETIME

    assert (await ada.get(callback)).status_code == 303


async def test_a_trip_that_took_longer_has_expired(world: World, ada: Browser) -> None:
    """G01-06: by the broker's clock, whatever the cookie's; the page offers to start again."""
    callback = await ada.trip()
    world.clock.advance(LIFETIME)

    page = await refused(world, ada, callback, "expired_state")

    assert 'href="/sign-in"' in page
    assert world.google.provider.requests["token"] == 0


@pytest.mark.parametrize("order", [(2, 1, 0), (0, 1, 2), (1, 2, 0)])
async def test_tabs_do_not_disturb_each_other(world: World, ada: Browser, order: tuple[int, ...]) -> None:
    """G01-08: three tabs finish in any order, each for its own Application's request."""
    requests = [ask() for _ in order]
    callbacks = [await ada.trip(request=request) for request in requests]

    for number in order:
        answer = await ada.get(callbacks[number])
        assert answered(answer)["state"] == requests[number].parameters["state"]


async def test_the_cookies_of_attempts_do_not_pile_up(world: World, ada: Browser) -> None:
    """G01-08: with too many tabs the oldest is forgotten, lest no request be answered any more."""
    callbacks = [await ada.trip() for _ in range(MAX_IN_ONE_BROWSER + 1)]
    assert len([c for c in ada.http.cookies.jar if "attempt" in c.name]) == MAX_IN_ONE_BROWSER

    await refused(world, ada, callbacks[0], "invalid_state")
    assert (await ada.get(callbacks[1])).status_code == 303


@pytest.mark.parametrize("name", ["google", "corp"])
async def test_pkce_is_s256_and_fresh(world: World, ada: Browser, name: str) -> None:
    """G01-09: a challenge of a new verifier each time, which never leaves the sealed cookie (RFC 7636)."""
    verifiers = set()
    for _ in range(3):
        browser = world.browser()
        url = await browser.begin(name)
        attempt = attempt_in(browser, world)
        query = parse_qs(urlsplit(url).query)

        assert query["code_challenge_method"] == ["S256"]
        assert query["code_challenge"] == [challenge_of(attempt.code_verifier)]
        assert len(attempt.code_verifier) >= 43
        assert attempt.code_verifier not in url
        verifiers.add(attempt.code_verifier)
    assert len(verifiers) == 3


async def test_pkce_does_not_depend_on_what_metadata_says(template: Template, tmp_path: Path) -> None:
    """G01-09: a Provider whose metadata does not list S256 is sent a challenge all the same."""
    with on_stage(lambda base: FakeOpenIdProvider(base=base, clock=SettableClock())) as silent:
        assert "code_challenge_methods_supported" not in silent.metadata()
        further = replace(registration("twin", template.corp), issuer=silent.issuer)
        async with open_world(template, tmp_path, registrations={further.id: further}) as world:
            answer = await world.browser().http.post(
                "/sign-in/twin", headers={"Sec-Fetch-Site": "same-origin"}, data={"csrf": ""}
            )

    assert parse_qs(urlsplit(answer.headers["Location"]).query)["code_challenge_method"] == ["S256"]


async def test_a_stolen_code_does_not_fit_another_trip(world: World, ada: Browser, mallory: Browser) -> None:
    """G01-10: the Provider holds the code against the verifier (RFC 9700 section 4.5)."""
    stolen = parse_qs(urlsplit(await ada.trip("ada")).query)["code"][0]
    callback = bent(await mallory.trip("stranger"), code=stolen)

    await refused(world, mallory, callback, "upstream_error")

    assert not await mallory.is_signed_in()


async def test_a_stolen_code_does_not_fit_where_a_provider_ignores_pkce(
    world: World, ada: Browser, mallory: Browser
) -> None:
    """G01-10: the nonce holds alone, and the tokens that came along are ended at the Provider."""
    stolen = parse_qs(urlsplit(await ada.trip("ada")).query)["code"][0]
    callback = await mallory.trip("stranger")
    code = world.google.provider.store.code(stolen)
    assert code is not None
    code.request = replace(code.request, code_challenge=challenge_of(attempt_in(mallory, world).code_verifier))

    await refused(world, mallory, bent(callback, code=stolen), "invalid_nonce")

    assert await world.count("users") == 0
    assert [grant.alive for grant in world.google.provider.grants if grant.persona.persona_id == "ada"] == [False]


@pytest.mark.parametrize("fault", ["no_nonce", "wrong_nonce"])
async def test_an_id_token_must_carry_the_nonce_of_the_trip(world: World, ada: Browser, fault: str) -> None:
    """G01-11: missing and wrong (OpenID Connect Core section 3.1.3.7 rule 11)."""
    callback = await ada.trip()
    world.google.provider.fault = fault

    await refused(world, ada, callback, "invalid_nonce")


async def test_the_nonce_of_another_trip_does_not_do(world: World, ada: Browser, mallory: Browser) -> None:
    """G01-11: not even of one that is pending in the same browser."""
    await ada.begin()
    other = attempt_in(ada, world).nonce
    callback = await ada.trip()
    world.google.claims["ada"] = {"nonce": other}

    await refused(world, ada, callback, "invalid_nonce")


@pytest.mark.parametrize("nonce", [None, "", 0, False, [], {}, ["x"]])
async def test_a_nonce_must_be_a_text(world: World, ada: Browser, nonce: object) -> None:
    """G01-11: JSON's other values are no nonce."""
    world.google.claims["ada"] = {"nonce": nonce}

    await refused(world, ada, await ada.trip(), "invalid_nonce")


async def test_an_id_token_does_not_switch_its_own_check_off(world: World, ada: Browser) -> None:
    """G01-12: `nonce_supported: false` is a claim like any other."""
    world.google.claims["ada"] = {"nonce_supported": False}
    world.google.provider.fault = "no_nonce"

    await refused(world, ada, await ada.trip(), "invalid_nonce")


@pytest.mark.parametrize("extra", [{}, {"code": ""}, {"id_token": "x"}, {"access_token": "x"}, {"error": ""}])
async def test_a_callback_without_a_code_is_nobody(world: World, ada: Browser, extra: dict[str, str]) -> None:
    """G01-13: a profile in the query is not looked at; there is nothing to redeem, so nobody is signed in."""
    profile = {"email": "ada@acme.example", "sub": "107691504500061815001", "email_verified": "true", "code": None}

    await refused(world, ada, bent(await ada.trip(), **(profile | extra)), "invalid_state")

    assert world.google.provider.requests["token"] == 0


async def test_a_profile_in_the_query_is_not_read_beside_a_code(world: World, mallory: Browser) -> None:
    """G01-13: who it is comes from the ID token alone."""
    profile = {
        "email": "ada@acme.example",
        "sub": "107691504500061815001",
        "name": "Ada Lovelace",
        "hd": "acme.example",
    }

    await mallory.get(bent(await mallory.trip("stranger"), **profile))

    page = (await mallory.get("/account/data")).text
    assert "sam.stranger@gmail.com" in page
    assert "ada@acme.example" not in page
    assert "Invoices" not in (await mallory.get("/account")).text


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("access_denied", "upstream_denied"),
        ("<script>alert(1)</script>", "upstream_error"),
        ("javascript:alert(1)", "upstream_error"),
        ("server_error\r\nSet-Cookie: a=b", "upstream_error"),
    ],
)
async def test_an_error_callback_is_not_reflected(world: World, ada: Browser, error: str, reason: str) -> None:
    """G01-14: a closed list of codes, and our own words."""
    text = {"error_description": "<img src=x onerror=alert(2)>", "error_uri": "https://evil.example/"}
    callback = bent(await ada.trip(), code=None, error=error, **text)

    page = await refused(world, ada, callback, reason)

    assert not any(word in page for word in ("alert(", "onerror", "evil.example", "Set-Cookie"))


async def test_an_error_callback_is_told_in_the_words_of_the_rfc(world: World, ada: Browser) -> None:
    """G01-14: an Application is told a code of RFC 6749 section 4.1.2.1, its state, and who speaks."""
    request = ask()
    callback = bent(await ada.trip(request=request), code=None, error="<script>", error_description="<script>")

    told = answered(await ada.get(callback))

    assert told.pop("error_description").isprintable()
    assert told == {"error": "server_error", "state": request.parameters["state"], "iss": world.settings.issuer}
    assert await world.reason() == "upstream_error"


@pytest.mark.parametrize("path", ["/sign-in/google", "/account/connections/corp"])
async def test_no_link_begins_a_trip(world: World, ada: Browser, path: str) -> None:
    """G01-15: an image on any page could be such a link."""
    await ada.sign_in()

    answer = await ada.get(path)

    assert answer.status_code == 405
    assert ada.cookie("attempt") is None


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "whatever"])
@pytest.mark.parametrize("path", ["/sign-in/google", "/account/connections/corp"])
async def test_no_other_site_begins_a_trip(world: World, ada: Browser, path: str, site: str) -> None:
    """G01-15: Fetch Metadata decides, also between hosts of one site."""
    await ada.sign_in()
    form = {"csrf": await ada.csrf()}

    answer = await ada.send("POST", path, form=form, headers={"Sec-Fetch-Site": site})

    assert (answer.status_code, await world.reason()) == (403, "cross_site")
    assert ada.cookie("attempt") is None


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "https://id.example.evil.example", "http://id.example", "x"]
)
@pytest.mark.parametrize("path", ["/sign-in/google", "/account/connections/corp"])
async def test_an_old_browser_says_by_its_origin_who_begins(world: World, ada: Browser, path: str, origin: str) -> None:
    """G01-15: where there is no Fetch Metadata, `Origin` must be ours to the letter."""
    await ada.sign_in()
    form = {"csrf": await ada.csrf()}

    answer = await ada.send("POST", path, form=form, headers={"Origin": origin})

    assert (answer.status_code, await world.reason()) == (403, "cross_site")


async def test_connecting_takes_the_token_of_our_own_forms(world: World, ada: Browser, mallory: Browser) -> None:
    """G01-15: none, an empty one, another Session's, two of them."""
    await ada.sign_in()
    await mallory.sign_in("stranger")
    own, foreign = await ada.csrf(), await mallory.csrf()
    forms = [[], [("csrf", "")], [("csrf", foreign)], [("csrf", own), ("csrf", own)], [("CSRF", own)]]

    for form in forms:
        answer = await ada.post("/account/connections/corp", form)
        assert (answer.status_code, await world.reason()) == (403, "cross_site"), form
    assert world.corp.provider.requests["discovery"] == 0


@pytest.mark.parametrize("issuer", [HTTPS, HTTP])
async def test_a_cookie_is_new_with_each_sign_in(template: Template, tmp_path: Path, issuer: str) -> None:
    """G01-16: a cookie set before signing in stays worthless, and so does the one of before."""
    async with open_world(template, tmp_path, issuer=issuer) as world:
        ada = world.browser()
        name = Cookies(secure=issuer == HTTPS).session
        host = "id.example" if issuer == HTTPS else "localhost.local"
        planted = "planted-before-signing-in-planted-before-signing"
        ada.http.cookies.set(name, planted, domain=host)
        await ada.sign_in()
        first = ada.cookie("session")
        await ada.sign_in()
        second = ada.cookie("session")

        assert len({planted, first, second}) == 3
        for dead in (planted, first):
            thief = world.browser()
            thief.http.cookies.set(name, dead or "", domain=host)
            assert not await thief.is_signed_in()
        assert await ada.is_signed_in()
