"""G12: a Session is one browser's, ends when it is said to, and nothing outlives it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import jwt
import pytest
import redis

from broker.domain.session import ABSOLUTE_LIFETIME, IDLE_LIFETIME
from tests.security.browser import SAME_ORIGIN, Browser, answered, ask
from tests.security.template import Template
from tests.security.world import World, open_world
from tests.servers.redis import RedisServer, redis_server

pytestmark = pytest.mark.anyio

COOKIE = "__Host-partner_ops_session"
LOGOUT = "/oauth/end-session"


def lines(answer_headers: list[str], part: str) -> list[str]:
    """The Set-Cookie lines of cookies whose name holds `part`."""
    return [line for line in answer_headers if part in line.partition("=")[0]]


async def test_cookies_of_an_https_issuer(world: World, ada: Browser) -> None:
    """G12-01: host-only, TLS-only, out of reach of scripts, not sent with other sites' posts (RFC 6265bis 4.1.3.2)."""
    began = await ada.post("/sign-in/google")
    ended = await ada.get(await ada.visit(began.headers["Location"]))

    for answer, part, seconds in ((began, "attempt", "600"), (ended, "session", "43200")):
        (line,) = lines(answer.headers.get_list("Set-Cookie"), part)
        name, _, rest = line.partition("=")
        assert name.startswith("__Host-")
        assert set(rest.split("; ")[1:]) == {f"Max-Age={seconds}", "Path=/", "HttpOnly", "Secure", "SameSite=lax"}


async def test_cookies_of_a_loopback_issuer(loopback_world: World) -> None:
    """G12-01: without TLS there can be no `__Host-`; everything else stays."""
    ada = loopback_world.browser()
    answer = await ada.sign_in()

    (line,) = lines(answer.headers.get_list("Set-Cookie"), "session")
    assert set(line.split("; ")[1:]) == {"Max-Age=43200", "Path=/", "HttpOnly", "SameSite=lax"}
    assert await ada.is_signed_in()


async def test_a_cookie_is_a_random_value_and_stored_as_a_hash(world: World, ada: Browser) -> None:
    """G12-01: 256 bits; what is in the database opens nothing."""
    await ada.sign_in()
    value = ada.cookie("session") or ""
    stored = (await world.rows("SELECT id, secret FROM sessions"))[0]

    assert re.fullmatch("[A-Za-z0-9_-]{43}", value)
    assert stored["secret"] == world.secrets.keyed_hash("session", value)
    for wrong in (stored["secret"], stored["id"], value[:-1], value + "A", value.swapcase()):
        thief = world.browser()
        thief.http.cookies.set(COOKIE, wrong, domain="id.example")
        assert not await thief.is_signed_in()


async def test_the_next_person_at_a_browser_is_themself(world: World, ada: Browser) -> None:
    """G12-03: who signs in where somebody else was signed in gets a Session of their own; the former one is over."""
    await ada.sign_in("ada")
    former = ada.cookie("session")
    tokens = await ada.tokens_for(ask())

    await ada.sign_in("grace")

    page = (await ada.get("/account/data")).text
    assert "grace@globex.example" in page
    assert "ada@acme.example" not in page
    thief = world.browser()
    thief.http.cookies.set(COOKIE, former or "", domain="id.example")
    assert not await thief.is_signed_in()
    assert (await ada.userinfo(tokens["access_token"])).status_code == 401


async def test_a_former_persons_cookie_gone_changes_nothing(world: World, ada: Browser) -> None:
    """G12-03: cookies were cleared instead of signing out; the next person gets nothing of the former one's."""
    await ada.sign_in("ada")
    ada.http.cookies.clear()

    request = ask()
    tokens = await ada.tokens_for(request, "grace")

    assert (await ada.userinfo(tokens["access_token"])).json()["email"] == "grace@globex.example"


async def test_what_one_began_another_does_not_finish(world: World, ada: Browser) -> None:
    """G12-03: a code got by one person is about that person, whoever is signed in when it is redeemed."""
    request = ask()
    code = await ada.code_for(request, "ada")
    await ada.sign_in("grace")

    assert (await ada.redeem(request, code)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("way", ["button", "list", "application", "confirmed", "elsewhere", "everywhere", "disconnect"])
async def test_signing_out_ends_everything(world: World, ada: Browser, way: str) -> None:
    """G12-04: cookie, tokens and codes are dead at once, in every process, however one signs out."""
    request, later = ask(), ask()
    tokens = await ada.tokens_for(request)
    code = await ada.code_for(later)
    value = ada.cookie("session") or ""
    session = (await world.rows("SELECT id FROM sessions"))[0]["id"]
    connection = (await world.rows("SELECT id FROM connections"))[0]["id"]
    match way:
        case "button":
            await ada.press("/account/sign-out")
        case "list":
            await ada.press(f"/account/sessions/{session}/end")
        case "application":
            await ada.get(f"{LOGOUT}?{urlencode({'id_token_hint': tokens['id_token']})}")
        case "confirmed":
            await ada.press(LOGOUT, {"confirmed": "yes"})
        case "elsewhere":
            other = world.browser()
            await other.sign_in("ada")
            await other.press("/account/sessions/end-others")
        case "everywhere":
            await ada.press("/account/sessions/end-all")
        case "disconnect":
            await ada.press(f"/account/connections/{connection}/disconnect")
    if way != "elsewhere":
        assert ada.cookie("session") is None

    for app in (world.app, await world.another()):
        thief = world.browser(app=app)
        thief.http.cookies.set(COOKIE, value, domain="id.example")
        assert not await thief.is_signed_in()
        assert (await thief.userinfo(tokens["access_token"])).status_code == 401
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        assert (await thief.get("/api/v1/authorizations", headers=headers)).status_code == 401
        assert (await thief.redeem(later, code)).json()["error"] == "invalid_grant"


async def test_signing_out_everywhere_reaches_what_outlived_its_session(world: World, ada: Browser) -> None:
    """G12-04: offline access of a browser that was idle for too long, which no list of Sessions shows."""
    other = world.browser()
    tokens = await other.tokens_for(ask(scope="openid offline_access"))
    world.clock.advance(IDLE_LIFETIME)
    token = (await other.refresh(tokens["refresh_token"])).json()["refresh_token"]
    await ada.sign_in("ada")
    asked = await ada.get("/account/sessions/end-all")
    assert "What Demo may see and do for you ends, also while you are away." in asked.text

    done = await ada.press("/account/sessions/end-all")

    assert "Every browser has been signed out" in done.text
    assert (await other.refresh(token)).json()["error"] == "invalid_grant"


async def test_signing_out_touches_nobody_else(world: World, ada: Browser, mallory: Browser) -> None:
    """G12-04: nor one's own other browsers, unless asked to."""
    other = world.browser()
    await ada.sign_in("ada")
    await other.sign_in("ada")
    await mallory.sign_in("stranger")
    await ada.press("/account/sign-out")
    assert await other.is_signed_in()

    await other.press("/account/sessions/end-others")

    assert await other.is_signed_in()
    assert await mallory.is_signed_in()


async def test_another_users_session_is_not_there_to_be_ended(world: World, ada: Browser, mallory: Browser) -> None:
    """G12-04: it, and one that does not exist, are answered alike (I5), and nothing is written of either."""
    await ada.sign_in("ada")
    theirs = (await world.rows("SELECT id FROM sessions"))[0]["id"]
    await mallory.sign_in("stranger")
    events = len(await world.store.events(500))

    answers = [await mallory.press(f"/account/sessions/{i}/end") for i in (theirs, "ses_" + "a" * 26)]

    assert answers[0].status_code == answers[1].status_code
    assert answers[0].headers.get("Location") == answers[1].headers.get("Location")
    assert answers[0].content.replace(answers[0].headers["X-Request-Id"].encode(), b"") == answers[1].content.replace(
        answers[1].headers["X-Request-Id"].encode(), b""
    )
    assert await ada.is_signed_in()
    assert not any(event.outcome == "done" for event in (await world.store.events(500))[:-events])


@pytest.mark.parametrize("hint", ["none", "another user's", "another application's", "another session's"])
async def test_a_link_does_not_sign_anybody_out(world: World, ada: Browser, mallory: Browser, hint: str) -> None:
    """G12-05: without a proof of this very Session a page asks first (OWASP ASVS 10.6.2)."""
    elsewhere = (await world.browser().tokens_for(ask()))["id_token"]
    await ada.sign_in()
    hints = {
        "none": None,
        "another user's": (await mallory.tokens_for(ask(), "stranger"))["id_token"],
        "another application's": (await mallory.tokens_for(ask("reports"), "stranger"))["id_token"],
        "another session's": elsewhere,
    }
    query = {} if hints[hint] is None else {"id_token_hint": hints[hint]}

    answer = await ada.get(f"{LOGOUT}?{urlencode(query)}")

    assert (answer.status_code, "Location" in answer.headers) == (200, False)
    assert answer.headers.get_list("Set-Cookie") == []
    assert await ada.is_signed_in()


async def test_a_post_from_another_site_signs_nobody_out(world: World, ada: Browser) -> None:
    """G12-05: browsers withhold the cookie of such a post; the answer must not take it away all the same."""
    await ada.sign_in()
    kept = ada.cookie("session") or ""
    without = world.browser()

    answer = await without.send("POST", LOGOUT, form={"state": "x"}, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 303
    assert answer.headers.get_list("Set-Cookie") == []
    without.http.cookies.set(COOKIE, kept, domain="id.example")  # by GET the cookie comes along, and a page asks
    assert (await without.get(answer.headers["Location"])).status_code == 200
    assert await ada.is_signed_in()


@pytest.mark.parametrize("csrf", [None, "", "x", "another session's"])
@pytest.mark.parametrize("path", [LOGOUT, "/account/sign-out", "/account/sessions/end-others"])
async def test_the_confirmation_is_the_sessions_own(
    world: World, ada: Browser, mallory: Browser, path: str, csrf: str | None
) -> None:
    """G12-05: the form's token belongs to this Session."""
    await ada.sign_in()
    await mallory.sign_in("stranger")
    value = await mallory.csrf() if csrf == "another session's" else csrf
    form = {"confirmed": "yes"} | ({} if value is None else {"csrf": value})

    assert (await ada.post(path, form)).status_code == 403
    assert await ada.is_signed_in()


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize(
    "path", [LOGOUT, "/account/sign-out", "/account/sessions/end-others", "/account/sessions/end-all"]
)
async def test_the_confirmation_is_pressed_on_our_own_page(world: World, ada: Browser, path: str, site: str) -> None:
    """G12-05: even with the right token."""
    await ada.sign_in()
    form = {"confirmed": "yes", "csrf": await ada.csrf()}

    answer = await ada.send("POST", path, form=form, headers=SAME_ORIGIN | {"Sec-Fetch-Site": site})

    assert answer.status_code == 403
    assert await ada.is_signed_in()


async def test_a_confirmation_cannot_be_a_link(world: World, ada: Browser) -> None:
    """G12-05: `confirmed` in the query confirms nothing."""
    await ada.sign_in()

    answer = await ada.get(f"{LOGOUT}?{urlencode({'confirmed': 'yes', 'csrf': await ada.csrf()})}")

    assert answer.status_code in (200, 400)
    assert await ada.is_signed_in()


async def test_an_application_with_its_own_id_token_signs_out_at_once(world: World, ada: Browser) -> None:
    """G12-05: the proof of this very Session spares the question (RP-Initiated Logout 1.0 section 2)."""
    tokens = await ada.tokens_for(ask())
    world.clock.advance(600)  # the hint may have expired

    await ada.get(f"{LOGOUT}?{urlencode({'id_token_hint': tokens['id_token']})}")

    assert not await ada.is_signed_in()


@pytest.mark.parametrize(("seconds", "lives"), [(IDLE_LIFETIME - 1, True), (IDLE_LIFETIME, False)])
async def test_a_session_ends_when_nobody_uses_it(world: World, ada: Browser, seconds: int, lives: bool) -> None:
    """G12-08: by the broker's clock; a token of it ends with it."""
    await ada.sign_in()
    world.clock.advance(seconds)

    assert await ada.is_signed_in() is lives


async def test_a_session_ends_however_much_it_is_used(world: World, ada: Browser) -> None:
    """G12-08: the absolute limit; afterwards a sign-in has a new `auth_time`."""
    await ada.sign_in()
    for _ in range(ABSOLUTE_LIFETIME // (IDLE_LIFETIME - 10)):
        world.clock.advance(IDLE_LIFETIME - 10)
        assert await ada.is_signed_in()
    world.clock.advance(IDLE_LIFETIME - 10)

    assert not await ada.is_signed_in()
    assert answered(await ada.get(ask(prompt="none").url))["error"] == "login_required"
    tokens = await ada.tokens_for(ask())
    for token in (tokens["id_token"], tokens["access_token"]):
        claims = jwt.decode(token, options={"verify_signature": False})
        assert claims["auth_time"] == world.clock.now()


async def test_refused_requests_do_not_keep_a_session_alive(world: World, ada: Browser) -> None:
    """G12-08: posts from another site, say."""
    await ada.sign_in()
    for _ in range(4):
        world.clock.advance(IDLE_LIFETIME // 4)
        await ada.send("POST", "/account/sign-out", form={}, headers={"Sec-Fetch-Site": "cross-site"})

    assert not await ada.is_signed_in()


@pytest.mark.parametrize(
    "path",
    [
        "/account",
        "/account/connections",
        "/account/sessions",
        "/account/applications",
        "/account/data",
        "/oauth/consent",
    ],
)
@pytest.mark.parametrize("value", ["expired", "ended", "garbage", ""])
async def test_a_dead_cookie_is_taken_away(world: World, ada: Browser, path: str, value: str) -> None:
    """G12-09: on the way to the sign-in page, which says why."""
    await ada.sign_in()
    cookie = ada.cookie("session") or ""
    if value == "expired":
        world.clock.advance(IDLE_LIFETIME)
    elif value == "ended":
        await ada.press("/account/sign-out")
    browser = world.browser()
    browser.http.cookies.set(COOKIE, cookie if value in ("expired", "ended") else value, domain="id.example")

    answer = await browser.get(path)

    assert answer.headers["Location"] == "/sign-in?notice=session_expired"
    assert browser.cookie("session") is None
    assert "Your session has ended" in (await browser.get(answer.headers["Location"])).text


async def test_the_sign_in_page_takes_a_dead_cookie_away(world: World, ada: Browser) -> None:
    """G12-09: also where one goes there by oneself."""
    await ada.sign_in()
    world.clock.advance(ABSOLUTE_LIFETIME)

    await ada.get("/sign-in")

    assert ada.cookie("session") is None


@contextmanager
def full(server: RedisServer, policy: str) -> Iterator[None]:
    """A Redis with no room left, which throws out whatever it holds, or refuses to take more."""
    with redis.Redis.from_url(server.url) as connection:
        connection.config_set("maxmemory-policy", policy)
        connection.config_set("maxmemory", int(connection.info("memory")["used_memory"]) + 200_000)
        try:
            for number in range(400):
                connection.set(f"junk-{number}", b"x" * 1000)
        except redis.exceptions.ResponseError:
            assert policy == "noeviction"
        else:
            assert connection.info("stats")["evicted_keys"] > 0
        yield


@pytest.mark.parametrize("policy", ["allkeys-random", "noeviction"])
async def test_a_redis_that_evicts_ends_no_session_and_forgets_no_end(
    template: Template, tmp_path: Path, policy: str
) -> None:
    """G12-10: Sessions and their ends are in SQL; what Redis loses are counts, and counting goes on without it."""
    with redis_server() as server:
        async with open_world(template, tmp_path, redis_url=server.url) as world:
            ada, other, guesser = world.browser(), world.browser(), world.browser("10.9.9.9")
            await other.sign_in("ada")
            tokens = await other.tokens_for(ask())
            assert (await guesser.post("/oauth/token", {"grant_type": "x"})).status_code == 401
            with full(server, policy):
                await ada.sign_in("ada")
                await other.press("/account/sign-out")
                answers = [(await guesser.post("/oauth/token", {"grant_type": "x"})).status_code for _ in range(3)]

                assert answers == [401] * 3
                assert await ada.is_signed_in()
                assert not await other.is_signed_in()
                assert (await ada.userinfo(tokens["access_token"])).status_code == 401
