"""G06: a code is for one Application, one redirect target, one verifier, one minute, one use."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from functools import partial
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx2
import pytest

from broker.domain.grant import CODE_LIFETIME
from broker.domain.pkce import challenge_of
from tests.security.browser import Ask, Browser, answered, ask, until_served
from tests.security.template import SECRETS
from tests.security.world import World

pytestmark = pytest.mark.anyio


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a token, unverified."""
    body = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims


def invalid_grant(answer: httpx2.Response) -> bool:
    """Whether that is what the Application was told."""
    return answer.status_code == 400 and answer.json()["error"] == "invalid_grant"


async def is_burnt(browser: Browser, request: Ask, code: str) -> bool:
    """Whether the code is dead even for who it was made for."""
    return invalid_grant(await browser.redeem(request, code))


async def test_a_code_is_redeemed(world: World, ada: Browser) -> None:
    """The rule itself, so that the cases below fail for their own reason."""
    request = ask()
    answer = await ada.redeem(request, await ada.code_for(request))

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    claims = claims_of(answer.json()["id_token"])
    assert (claims["aud"], claims["nonce"]) == ("demo-app", request.parameters["nonce"])


@pytest.mark.parametrize("application", ["demo-app", "reports", "crm", "native"])
@pytest.mark.parametrize("value", [None, ""])
async def test_every_application_needs_a_challenge(
    world: World, ada: Browser, application: str, value: str | None
) -> None:
    """G06-01: also one with a secret (OWASP ASVS 10.4.6)."""
    assert answered(await ada.get(ask(application, code_challenge=value).url))["error"] == "invalid_request"


@pytest.mark.parametrize("method", [None, "", "plain", "s256", "S512", "S256 ", "none", "PLAIN"])
async def test_the_only_method_is_s256(world: World, ada: Browser, method: str | None) -> None:
    """G06-02: to the letter; missing means plain (RFC 7636 section 4.3)."""
    assert answered(await ada.get(ask(code_challenge_method=method).url))["error"] == "invalid_request"


@pytest.mark.parametrize(
    "challenge", ["x", "A" * 42, "A" * 44, "A" * 42 + "=", "A" * 42 + "+", "A" * 42 + " ", "é" * 43]
)
async def test_a_challenge_has_the_form_of_a_digest(world: World, ada: Browser, challenge: str) -> None:
    """G06-02: 32 bytes in base64url without padding (RFC 7636 section 4.2)."""
    assert answered(await ada.get(ask(code_challenge=challenge).url))["error"] == "invalid_request"


def _verifiers(request: Ask) -> dict[str, str | None]:
    right = request.verifier
    return {
        "none": None,
        "empty": "",
        "the challenge": request.parameters["code_challenge"],
        "another": "A" * 64,
        "short": right[:42],
        "with a space": right + " ",
        "in upper case": right.upper(),
        "long": right * 3,
        "odd": "é" * 43,
        "cut": right[:-1],
    }


@pytest.mark.parametrize("name", _verifiers(ask()))
async def test_a_code_needs_its_verifier(world: World, ada: Browser, name: str) -> None:
    """G06-03, G06-04: absent, empty, wrong; whoever tries once has burnt the code (RFC 9700 section 4.8)."""
    request = ask()
    code = await ada.code_for(request)

    answer = await ada.redeem(request, code, code_verifier=_verifiers(request)[name])

    assert invalid_grant(answer)
    assert await is_burnt(ada, request, code)


async def test_a_verifier_does_not_make_up_for_a_missing_challenge(world: World, ada: Browser) -> None:
    """G06-03: a request stripped of its challenge on the way gets no code at all."""
    await ada.sign_in()

    assert "code" not in answered(await ada.get(ask(code_challenge=None, code_challenge_method=None).url))


@pytest.mark.parametrize("later", [0, 1, 30, CODE_LIFETIME, 10 * CODE_LIFETIME])
async def test_a_code_presented_again_ends_what_came_of_it(world: World, ada: Browser, later: int) -> None:
    """G06-05: the tokens of its first use are revoked, whenever the second comes (RFC 6749 section 4.1.2)."""
    request = ask()
    code = await ada.code_for(request)
    tokens = (await ada.redeem(request, code)).json()
    assert (await ada.userinfo(tokens["access_token"])).status_code == 200
    world.clock.advance(later)

    assert invalid_grant(await ada.redeem(request, code))

    assert (await ada.userinfo(tokens["access_token"])).status_code == 401
    alarms = [event for event in await world.store.events(10) if event.reason == "code_reused"]
    assert [event.application_id for event in alarms] == ["demo-app"]


async def test_the_user_is_told_of_a_code_that_came_twice(world: World, ada: Browser, mallory: Browser) -> None:
    """G06-05: as of a refresh token: on their first page, and in full among their applications, until it is read."""
    request = ask()
    code = await ada.code_for(request)
    await ada.redeem(request, code)
    assert invalid_grant(await mallory.redeem(request, code))

    assert "Somebody used an old key of Demo" in (await ada.get("/account")).text
    page = (await ada.get("/account/applications")).text
    assert "Somebody used a sign-in to <bdi>Demo</bdi> again" in page
    assert "A sign-in gives the application a key that is good once, and this one came twice" in page
    assert "Each use of such a key replaces it" not in page
    ((grant,),) = [tuple(row.values()) for row in await world.rows("SELECT id FROM grants")]
    await ada.press(f"/account/applications/{grant}/dismiss")
    assert "Somebody used" not in (await ada.get("/account")).text + (await ada.get("/account/applications")).text


async def test_a_code_redeemed_many_times_at_once_is_redeemed_once(any_world: World) -> None:
    """G06-06: sixty-four requests at two processes: one answer; the rule of G06-05 holds for the winner too."""
    browser = any_world.browser()
    request = ask()
    code = await browser.code_for(request)
    other = await any_world.another()
    rivals = [any_world.browser(app=(any_world.app, other)[number % 2]) for number in range(64)]

    with any_world.watch.together():
        answers = await asyncio.gather(*(until_served(partial(rival.redeem, request, code)) for rival in rivals))

    won = [answer for answer in answers if answer.status_code == 200]
    was_busy = any(seen.answer.status_code == 503 for seen in any_world.watch.seen)
    assert len(won) == 1 or (was_busy and not won)  # whoever was told 503 may have been the first
    assert sum(invalid_grant(answer) for answer in answers) == 64 - len(won)
    for answer in won:
        assert (await browser.userinfo(answer.json()["access_token"])).status_code == 401
    events = await any_world.store.events(500)
    assert [event.outcome for event in events if event.action == "redeem"] == ["done"]


@pytest.mark.parametrize(("owner", "thief"), [("demo-app", "reports"), ("reports", "demo-app"), ("crm", "reports")])
async def test_a_code_is_for_one_application(world: World, ada: Browser, owner: str, thief: str) -> None:
    """G06-07: another one, with credentials of its own, burns it and gets nothing."""
    await ada.sign_in()
    request = ask(owner)
    answer = await ada.get(request.url)
    if owner == "crm":
        answer = await ada.press("/oauth/consent", request.parameters | {"decision": "allow"})
    code = answered(answer)["code"]

    stolen = await ada.redeem(request, code, client_id=thief, client_secret=SECRETS.get(thief))

    assert invalid_grant(stolen)
    assert await is_burnt(ada, request, code)


@pytest.mark.parametrize("secret", [None, "", "wrong-secret", SECRETS["reports"] + "x", SECRETS["crm"]])
async def test_who_does_not_prove_to_be_the_application_burns_nothing(
    world: World, ada: Browser, secret: str | None
) -> None:
    """G06-07: a stranger who saw a code pass by is refused before the code is looked at."""
    request = ask("reports")
    code = await ada.code_for(request)

    answer = await ada.redeem(request, code, client_secret=secret)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert (await ada.redeem(request, code)).status_code == 200


@pytest.mark.parametrize(
    "redirect_uri", [None, "", "https://app.example/callback/", "https://reports.example/callback?area=eu"]
)
async def test_a_code_is_for_one_redirect_target(world: World, ada: Browser, redirect_uri: str | None) -> None:
    """G06-08: the one of the authorize request, sent again (RFC 6749 section 4.1.3)."""
    request = ask()
    code = await ada.code_for(request)

    assert invalid_grant(await ada.redeem(request, code, redirect_uri=redirect_uri))
    assert await is_burnt(ada, request, code)


@pytest.mark.parametrize(("seconds", "works"), [(CODE_LIFETIME - 1, True), (CODE_LIFETIME, False), (61, False)])
async def test_a_code_lives_a_minute(world: World, ada: Browser, seconds: int, works: bool) -> None:
    """G06-09: OWASP ASVS 10.4.3."""
    request = ask()
    code = await ada.code_for(request)
    world.clock.advance(seconds)

    assert invalid_grant(await ada.redeem(request, code)) is not works


@pytest.mark.parametrize("code", ["", "x", "A" * 43, "A" * 5000, "é", "\x00", "' OR 1=1 --", "a b"])
async def test_what_is_no_code_is_refused(world: World, ada: Browser, code: str) -> None:
    """G06-09: unknown, empty, too long, odd: a clean 400."""
    answer = await ada.redeem(ask(), code)

    assert answer.status_code == 400
    assert answer.json()["error"] in ("invalid_grant", "invalid_request")


async def test_a_code_is_not_found_by_a_part_or_another_spelling(world: World, ada: Browser) -> None:
    """G06-09: and what is stored is its keyed hash alone."""
    request = ask()
    code = await ada.code_for(request)
    for spelled in (code[:-1], code + "A", code.swapcase(), code + " ", code + "="):
        assert invalid_grant(await ada.redeem(request, spelled))
    stored = (await world.rows("SELECT code FROM grants"))[0]["code"]
    assert stored == world.secrets.keyed_hash("code", code)
    assert invalid_grant(await ada.redeem(request, stored))

    assert (await ada.redeem(request, code)).status_code == 200


CONSENT = "/oauth/consent"


async def allow(browser: Browser, request: Ask, **changes: str) -> httpx2.Response:
    """Press "Allow", with the fields of the form changed."""
    return await browser.press(CONSENT, request.parameters | {"decision": "allow"} | changes)


async def test_a_third_party_needs_the_users_word(world: World, ada: Browser) -> None:
    """G06-11: a page asks; nothing in the link that led there answers it."""
    await ada.sign_in()
    request = ask("crm", decision="allow", csrf="x", confirmed="yes", consent="granted", approved="true")

    answer = await ada.get(request.url)
    page = await ada.get(answer.headers["Location"])

    assert answer.headers["Location"].startswith("/oauth/consent?")
    assert page.status_code == 200
    assert await world.count("grants") == 0
    fields = re.findall(r'<input type="hidden" name="([^"]*)"', page.text)
    assert sorted(fields) == sorted(["csrf", *ask("crm").parameters])


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": "https://app.example/callback"},
        {"client_id": "nobody"},
        {"client_id": "demo-app"},
        {"client_id": ""},
    ],
)
async def test_a_form_that_was_changed_leads_nowhere(world: World, ada: Browser, changes: dict[str, str]) -> None:
    """G06-11: what comes back is checked like any authorize request."""
    await ada.sign_in()

    answer = await allow(ada, ask("crm"), **changes)

    assert answer.status_code == 400
    assert await world.count("consents") == 0


@pytest.mark.parametrize(
    "changes", [{"response_type": "token"}, {"code_challenge_method": "plain"}, {"scope": "email"}]
)
async def test_a_form_that_was_changed_is_no_way_round_the_checks(
    world: World, ada: Browser, changes: dict[str, str]
) -> None:
    """G06-11: the Application is told, and no word of the User's is kept."""
    await ada.sign_in()

    assert "error" in answered(await allow(ada, ask("crm"), **changes))
    assert await world.count("consents") == await world.count("grants") == 0


async def test_a_word_is_the_sessions_own(world: World, ada: Browser, mallory: Browser) -> None:
    """G06-11: with the token of another Session, from another site, or without a Session, nothing is allowed."""
    await ada.sign_in()
    await mallory.sign_in("stranger")
    request = ask("crm")
    form = request.parameters | {"decision": "allow"}
    own = await ada.csrf()

    assert (await ada.post(CONSENT, form)).status_code == 403
    assert (await ada.post(CONSENT, form | {"csrf": await mallory.csrf()})).status_code == 403
    cross_site = {"Sec-Fetch-Site": "cross-site"}
    assert (await ada.send("POST", CONSENT, form=form | {"csrf": own}, headers=cross_site)).status_code == 403
    nobody = await world.browser().post(CONSENT, form | {"csrf": own})
    assert nobody.headers["Location"] == "/sign-in"
    assert await world.count("consents") == 0


@pytest.mark.parametrize("decision", ["deny", "", "ALLOW", "allow ", "yes", None])
async def test_everything_but_allow_is_no(world: World, ada: Browser, decision: str | None) -> None:
    """G06-11: also a form without a decision."""
    await ada.sign_in()
    form = ask("crm").parameters | ({} if decision is None else {"decision": decision})

    told = answered(await ada.press(CONSENT, form))

    assert told["error"] == "access_denied"
    assert await world.count("consents") == 0


async def test_a_word_for_less_is_no_word_for_more(world: World, ada: Browser) -> None:
    """G06-11: the same scopes pass, more are asked for again."""
    await ada.sign_in()
    assert "code" in answered(await allow(ada, ask("crm", scope="openid email")))

    assert "code" in answered(await ada.get(ask("crm", scope="email openid").url))
    more = await ada.get(ask("crm", scope="openid email profile").url)
    assert more.headers["Location"].startswith(CONSENT)


@pytest.mark.parametrize(
    "kind",
    ["token", "id_token", "id_token token", "code token", "code id_token", "code id_token token", "none", "CODE"],
)
async def test_only_codes_are_given(world: World, ada: Browser, kind: str) -> None:
    """G06-12: neither implicit nor hybrid (RFC 9700 section 2.1.2)."""
    await ada.sign_in()

    told = answered(await ada.get(ask(response_type=kind).url))

    assert told["error"] == "unsupported_response_type"
    assert not told.keys() & {"code", "access_token", "id_token"}


@pytest.mark.parametrize(
    "kind",
    [
        *("password", "implicit", "AUTHORIZATION_CODE", "authorization_code "),
        *("urn:ietf:params:oauth:grant-type:saml2-bearer", "urn:ietf:params:oauth:grant-type:jwt-bearer", "\x00"),
    ],
)
@pytest.mark.parametrize("application", ["demo-app", "reports"])
async def test_other_grants_are_not_taken(world: World, ada: Browser, application: str, kind: str) -> None:
    """G06-12: every other grant is refused by name (RFC 9700 section 2.4)."""
    request = ask(application)
    extra = {"username": "ada", "password": "x", "refresh_token": "x", "assertion": "x", "scope": "openid"}

    answer = await ada.redeem(request, "x", grant_type=kind, **extra)

    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


@pytest.mark.parametrize("name", sorted(ask().parameters))
async def test_no_parameter_may_come_twice(world: World, ada: Browser, name: str) -> None:
    """G06-13: RFC 6749 section 3.1; equal or not."""
    await ada.sign_in()
    for again in (ask().parameters[name], "other"):
        answer = await ada.get(f"{ask().url}&{urlencode({name: again})}")
        refused = answer.status_code == 400 or answered(answer)["error"] == "invalid_request"
        assert refused, again
    assert await world.count("grants") == 0


@pytest.mark.parametrize("name", ["grant_type", "client_id", "code", "redirect_uri", "code_verifier", "client_secret"])
async def test_no_parameter_of_a_token_request_may_come_twice(world: World, ada: Browser, name: str) -> None:
    """G06-13: RFC 6749 section 3.2."""
    request = ask("reports")
    code = await ada.code_for(request)
    form = {
        "grant_type": "authorization_code",
        "client_id": "reports",
        "client_secret": SECRETS["reports"],
        "code": code,
        "redirect_uri": request.parameters["redirect_uri"],
        "code_verifier": request.verifier,
    }

    answer = await ada.send("POST", "/oauth/token", form=[*form.items(), (name, form[name])])

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert (await ada.redeem(request, code)).status_code == 200


@pytest.mark.parametrize("length", [1, 64, 512])
async def test_a_state_comes_back_as_it_was_sent(world: World, ada: Browser, length: int) -> None:
    """G06-13: whole, or the request is refused; never cut."""
    await ada.sign_in()
    state = ("a&b=c%+d e~'\"<>" * 400)[:length]

    assert answered(await ada.get(ask(state=state).url))["state"] == state


async def test_a_long_state_survives_a_sign_in(world: World, ada: Browser) -> None:
    """G06-13: it travels in a cookie, which has room for the longest that is allowed."""
    request = ask(state="s" * 1024)

    assert answered(await ada.sign_in(request=request))["state"] == "s" * 1024


@pytest.mark.parametrize("state", ["s" * 1025, "%" * 1024], ids=["too long", "too long in a query"])
async def test_a_state_too_long_to_survive_a_sign_in_is_refused_before_it(
    world: World, ada: Browser, state: str
) -> None:
    """G06-13: at every step, whether somebody is signed in or not: who is there must make no difference."""
    request = ask(state=state)
    for _ in ("nobody", "Ada"):
        for answer in (
            await ada.get(request.url),
            await ada.get(f"/sign-in?{urlencode(request.parameters)}"),
            await ada.post("/sign-in/google", request.parameters),
        ):
            assert answered(answer)["error"] == "invalid_request"
        await ada.sign_in()


@pytest.mark.parametrize("length", [64, 256, 1024, 1025, 9000])
async def test_a_nonce_comes_back_as_it_was_sent(world: World, ada: Browser, length: int) -> None:
    """G06-13: in the ID token, whole, or the request is refused; 64 characters are what people send."""
    await ada.sign_in()
    request = ask(nonce="n" * length)
    told = answered(await ada.get(request.url))

    if length > 64 and "error" in told:
        assert told["error"] == "invalid_request"
    else:
        tokens = (await ada.redeem(request, told["code"])).json()
        assert claims_of(tokens["id_token"])["nonce"] == "n" * length


async def test_prompt_none_never_asks(world: World, ada: Browser) -> None:
    """G06-14: an error instead of a page; a code where nothing has to be asked (OpenID Connect Core 3.1.2.1)."""
    assert answered(await ada.get(ask(prompt="none").url))["error"] == "login_required"
    await ada.sign_in()
    assert "code" in answered(await ada.get(ask(prompt="none").url))
    assert answered(await ada.get(ask("crm", prompt="none").url))["error"] == "consent_required"


async def test_max_age_makes_an_old_sign_in_count_for_nothing(world: World, ada: Browser) -> None:
    """G06-14: and afterwards `auth_time` is that of the new one."""
    await ada.sign_in()
    world.clock.advance(100)
    assert "code" in answered(await ada.get(ask(max_age="100").url))
    assert answered(await ada.get(ask(max_age="99", prompt="none").url))["error"] == "login_required"
    request = ask(max_age="99")
    assert (await ada.get(request.url)).headers["Location"].startswith("/sign-in?")

    told = answered(await ada.sign_in(request=request))

    tokens = (await ada.redeem(request, told["code"])).json()
    assert claims_of(tokens["id_token"])["auth_time"] == world.clock.now()


async def test_prompt_login_is_a_new_sign_in(world: World, ada: Browser) -> None:
    """G06-14, G12-08: with its own `auth_time` and cookie; what Applications have of before goes on with its own."""
    elsewhere = world.browser()
    offline = await elsewhere.tokens_for(ask(scope="openid offline_access"))
    await ada.sign_in()
    former, began = ada.cookie("session") or "", world.clock.now()
    world.clock.advance(100)
    request = ask(prompt="login")
    assert (await ada.get(request.url)).headers["Location"].startswith("/sign-in?")
    told = answered(await ada.sign_in(request=request))
    tokens = (await ada.redeem(request, told["code"])).json()
    refreshed = (await elsewhere.refresh(offline["refresh_token"])).json()

    assert claims_of(tokens["id_token"])["auth_time"] == claims_of(tokens["access_token"])["auth_time"] == began + 100
    assert claims_of(refreshed["id_token"])["auth_time"] == claims_of(refreshed["access_token"])["auth_time"] == began
    ada.http.cookies.set("__Host-partner_ops_session", former, domain="id.example")
    assert not await ada.is_signed_in()


@pytest.mark.parametrize("prompt", ["login", "select_account", "login consent"])
async def test_prompt_login_asks_again(world: World, ada: Browser, prompt: str) -> None:
    """G06-14: whoever is signed in is asked all the same, and so is the Provider."""
    await ada.sign_in()
    request = ask(prompt=prompt)

    assert (await ada.get(request.url)).headers["Location"].startswith("/sign-in?")
    url = await ada.begin("google", request)
    assert parse_qs(urlsplit(url).query)["prompt"] == ["select_account"]


async def test_a_hint_is_held_against_who_is_signed_in(world: World, ada: Browser, mallory: Browser) -> None:
    """G06-14: our own ID token, for this Application, about this person; everything else is a mismatch."""
    own = (await ada.tokens_for(ask()))["id_token"]
    elsewhere = (await ada.tokens_for(ask("reports")))["id_token"]
    others = (await mallory.tokens_for(ask(), "stranger"))["id_token"]
    world.clock.advance(600)
    assert "code" in answered(await ada.get(ask(prompt="none", id_token_hint=own).url))

    for hint in (others, elsewhere, own[:-4] + "AAAA", "x", own.rsplit(".", 1)[0] + ".", own.upper()):
        told = answered(await ada.get(ask(prompt="none", id_token_hint=hint).url))
        assert told["error"] == "login_required", hint


async def test_unknown_parameters_are_ignored(world: World, ada: Browser) -> None:
    """G06-14: RFC 6749 section 3.1, also when one comes twice."""
    await ada.sign_in()

    answer = await ada.get(f"{ask(claims='{}', acr_values='x', ui_locales='de', display='popup').url}&extra=1&extra=2")

    assert "code" in answered(answer)


@pytest.mark.parametrize("resource", ["https://reports.example", "https://api.example", "", "x"])
async def test_a_code_is_for_one_audience(world: World, ada: Browser, resource: str) -> None:
    """G06-16: that of the Application's registration; it cannot be chosen later, nor at first (RFC 8707)."""
    request = ask()
    code = await ada.code_for(request)
    answer = await ada.redeem(request, code, resource=resource)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target")

    tokens = (await ada.redeem(request, code, audience="https://reports.example", scope="openid admin")).json()
    claims = claims_of(tokens["access_token"])
    assert (claims["aud"], claims["scope"]) == ("https://api.example", "openid email profile")


async def test_a_resource_is_not_asked_for_at_first(world: World, ada: Browser) -> None:
    """G06-16: RFC 8707 section 2."""
    assert answered(await ada.get(ask(resource="https://reports.example").url))["error"] == "invalid_target"


async def test_tokens_never_speak_of_another_user(world: World, ada: Browser, mallory: Browser) -> None:
    """G06-17: two people's requests, interleaved in every order: each token is about whose code it was."""
    subjects = {}
    for browser, persona in ((ada, "ada"), (mallory, "grace")):
        tokens = await browser.tokens_for(ask(), persona)
        subjects[browser] = claims_of(tokens["id_token"])["sub"]

    async def once(browser: Browser) -> None:
        request = ask()
        code = answered(await until_served(partial(browser.get, request.url)))["code"]
        tokens = (await browser.redeem(request, code)).json()
        for token in (tokens["id_token"], tokens["access_token"]):
            assert claims_of(token)["sub"] == subjects[browser]
        assert claims_of(tokens["id_token"])["nonce"] == request.parameters["nonce"]
        told = await until_served(partial(browser.userinfo, tokens["access_token"]))
        assert told.json()["sub"] == subjects[browser]

    with world.watch.together():
        await asyncio.gather(*(once(browser) for _ in range(50) for browser in (ada, mallory)))


async def test_a_code_answers_the_request_it_was_made_for(world: World, ada: Browser) -> None:
    """G06-17: two requests of one User, exchanged: each verifier fits its own code only."""
    await ada.sign_in()
    first, second = ask(), ask()
    codes = [await ada.code_for(request) for request in (first, second)]

    assert invalid_grant(await ada.redeem(first, codes[1]))
    assert invalid_grant(await ada.redeem(second, codes[0]))


async def test_the_sign_in_page_carries_only_the_request(world: World, ada: Browser) -> None:
    """G06-11: what is in its hidden fields is the authorize request and nothing that was added to the link."""
    page = await ada.get(f"/sign-in?{urlencode(ask().parameters)}&decision=allow&csrf=x&confirmed=yes")

    fields = set(re.findall(r'<input type="hidden" name="([^"]*)"', page.text))
    assert fields == set(ask().parameters)
    assert challenge_of("x" * 43) not in page.text
    assert dict(parse_qsl(urlsplit(str(page.url)).query))["decision"] == "allow"
