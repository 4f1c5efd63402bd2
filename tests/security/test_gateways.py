"""G05-08, G12, G13-02: what a gateway asks the broker, and the way of its service's browsers there and back.

With nginx and Apache in front: tests/examples/test_gateways.py.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from broker.domain.session import IDLE_LIFETIME
from broker.flows.gateway_application import PASS
from tests.security.browser import OPENS_A_PAGE, SAME_ORIGIN, Browser, ask
from tests.security.world import World

pytestmark = pytest.mark.anyio

CHECK, START, CALLBACK = "/forward-auth/desk", "/forward-auth/desk/start", "/forward-auth/desk/callback"
COOKIE = "__Host-partner_ops_gateway_desk"
BOARD = """
[applications.board]
name = "Board"
type = "public"
redirect_uris = ["https://board.example/.partner-ops/callback"]
audience = "https://board.example"
first_party = true
gateway = true
"""


async def at_the_desk(browser: Browser, persona: str = "ada") -> str:
    """Sign in, and come to the service desk; the cookie that admits."""
    await browser.sign_in(persona)
    answer = await browser.get(await browser.to_the_desk())
    assert answer.headers["Location"] == "https://desk.example/"
    return browser.cookie("gateway") or ""


async def status_with(world: World, path: str = CHECK, **cookies: str) -> int:
    """What a browser with these cookies alone is answered."""
    browser = world.browser()
    for name, value in cookies.items():
        browser.http.cookies.set(name, value, domain="id.example")
    return (await browser.get(path)).status_code


async def test_who_signed_in_is_let_in(world: World, ada: Browser) -> None:
    """202, with a session JWT for the desk that userinfo takes, and who it is; nothing else, and no body."""
    await at_the_desk(ada)
    answer = await ada.get(CHECK)
    token = answer.headers["X-Auth-Request-Access-Token"]
    told = {name: value for name, value in answer.headers.items() if name.startswith("x-auth-request-")}
    (session,) = await world.rows("SELECT id, user_id FROM sessions")

    assert (answer.status_code, answer.content) == (202, b"")
    assert answer.headers["Authorization"] == f"Bearer {token}"
    assert told == {
        "x-auth-request-access-token": token,
        "x-auth-request-user": session["user_id"],
        "x-auth-request-session": session["id"],
        "x-auth-request-email": "ada@acme.example",
    }
    assert (await world.browser().userinfo(token)).json()["sub"] == session["user_id"]
    by_token = await world.browser().get(CHECK, headers={"Authorization": f"Bearer {token}"})
    assert (by_token.status_code, by_token.headers["X-Auth-Request-Access-Token"]) == (202, token)


async def test_cookies_on_the_services_host(world: World, ada: Browser) -> None:
    """G12-01: one for the trip, which goes when it ends, and one that admits; both sealed, neither names anybody."""
    await ada.sign_in()
    began = await ada.get(START, headers=OPENS_A_PAGE)
    ended = await ada.get(await ada.to_the_desk("/reports"))
    (trip,) = began.headers.get_list("Set-Cookie")
    gone, admits = ended.headers.get_list("Set-Cookie")

    assert trip.startswith("__Host-partner_ops_trip_")
    assert set(trip.split("; ")[1:]) == {"Max-Age=600", "Path=/", "HttpOnly", "Secure", "SameSite=lax"}
    assert admits.startswith(f"{COOKIE}=")
    assert set(admits.split("; ")[1:]) == {"Max-Age=43200", "Path=/", "HttpOnly", "Secure", "SameSite=lax"}
    assert "Max-Age=0" in gone
    assert "usr_" not in admits
    assert "gnt_" not in admits


async def test_no_other_cookie_lets_in(world: World, ada: Browser) -> None:
    """Absent, empty, tampered with, another Application's, the broker's own, a trip's, one that any host could set."""
    await world.declare(BOARD)
    cookie = await at_the_desk(ada)
    session = ada.cookie("session") or ""
    await ada.get(START, headers=OPENS_A_PAGE)
    trip = ada.cookie("partner_ops_trip") or ""

    assert await status_with(world, **{COOKIE: cookie}) == 202
    for wrong in ("", "x", cookie[:-1], cookie[:-4] + "AAAA", cookie.partition(".")[2], session, trip):
        assert await status_with(world, **{COOKIE: wrong}) == 401, wrong
    assert await status_with(world, partner_ops_gateway_desk=cookie) == 401
    assert await status_with(world, **{"__Host-partner_ops_session": session}) == 401
    board = "__Host-partner_ops_gateway_board"
    assert await status_with(world, "/forward-auth/board", **{board: cookie, COOKIE: cookie}) == 401


async def test_the_cookie_is_worth_nothing_at_the_broker(world: World, ada: Browser) -> None:
    """Not on the User's own pages, under no name, and not as a token."""
    cookie = await at_the_desk(ada)
    thief = world.browser()
    for name in (COOKIE, "__Host-partner_ops_session"):
        thief.http.cookies.set(name, cookie, domain="id.example")
        assert not await thief.is_signed_in()
    assert (await thief.userinfo(cookie)).status_code == 401
    assert world.secrets.open_attempt(cookie) is None
    assert world.secrets.open_cookie(PASS, cookie) is not None


@pytest.mark.parametrize("way", ["signed out", "idle"])
async def test_it_ends_at_the_next_question(world: World, ada: Browser, way: str) -> None:
    """G12-04: with the Session; nobody has to tell the gateway."""
    cookie = await at_the_desk(ada)
    token = (await ada.get(CHECK)).headers["X-Auth-Request-Access-Token"]
    if way == "signed out":
        await ada.press("/account/sign-out")
    else:
        world.clock.advance(IDLE_LIFETIME)

    assert await status_with(world, **{COOKIE: cookie}) == 401
    answer = await world.browser().get(CHECK, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


async def test_nobody_is_signed_in_as_somebody_else(world: World, ada: Browser, mallory: Browser) -> None:
    """Login CSRF: an answer made in one browser is worth nothing in another, with a trip of its own or without."""
    await mallory.sign_in("grace")
    bait = await mallory.to_the_desk()
    assert (await ada.get(bait)).status_code == 400
    assert await world.reason() == "invalid_state"

    began = await ada.get(START, headers=OPENS_A_PAGE)
    state = parse_qs(urlsplit(began.headers["Location"]).query)["state"][0]
    theirs = {name: values[0] for name, values in parse_qs(urlsplit(bait).query).items()}
    answer = await ada.get(f"{CALLBACK}?{urlencode(theirs | {'state': state})}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "text/plain; charset=utf-8")
    assert ada.cookie("gateway") is None


ELSEWHERE = [
    *("//evil", "/\\evil", "/%09/evil", "/\t/evil", "https:evil", "https://evil", "/ok#@evil", "@evil", ".evil"),
    *("/%2f/evil", "/..//evil", "/\r\nSet-Cookie: x=y", "\u2044\u2044evil"),
]


async def test_nobody_is_led_elsewhere(world: World, ada: Browser) -> None:
    """G05-08: it is a path of the service's host, or the root of it."""
    await ada.sign_in()
    for asked in ELSEWHERE:
        answer = await ada.get(await ada.to_the_desk(asked))
        assert answer.headers["Location"] == "https://desk.example/", asked


async def test_what_was_asked_is_gone_on_to(world: World, ada: Browser) -> None:
    """From a parameter, from a header of the gateway's, and from Envoy's path, as they were written."""
    await ada.sign_in()
    assert (await ada.get(await ada.to_the_desk("/a/%C3%BC?b=c&d=e"))).headers["Location"].endswith("/a/%C3%BC?b=c&d=e")
    for path, headers in (
        (START, {"X-Forwarded-Uri": "/a/%C3%BC?b=c&d=e"}),
        ("/ext-authz/desk/", {"X-Forwarded-Uri": "/a/%C3%BC?b=c&d=e", "X-Forwarded-Method": "GET"}),
        ("/ext-authz/desk/a/%C3%BC?b=c&d=e", {}),
    ):
        ada.http.cookies.delete(COOKIE)
        leads = (await ada.get(path, headers=OPENS_A_PAGE | headers)).headers["Location"]
        back = urlsplit((await ada.get(leads.removeprefix("https://id.example"))).headers["Location"])
        answer = await ada.get(f"{CALLBACK}?{back.query}")
        assert answer.headers["Location"] == "https://desk.example/a/%C3%BC?b=c&d=e", path


async def test_envoy_and_traefik_are_told_200_and_lead_pages_to_sign_in(world: World, ada: Browser) -> None:
    """Envoy takes no other status for a yes; what opens no page is told 401."""
    for headers in ({}, {"Sec-Fetch-Mode": "cors"}, OPENS_A_PAGE | {"X-Forwarded-Method": "POST"}):
        assert (await ada.get("/ext-authz/desk/x", headers=headers)).status_code == 401
    assert (await ada.send("POST", "/ext-authz/desk/x", headers=OPENS_A_PAGE)).status_code == 401
    assert (await ada.get("/ext-authz/desk/x", headers={"Accept": "text/html"})).status_code == 303
    await at_the_desk(ada)
    for path in ("start", "callback", "", "../../../healthz"):
        assert (await ada.get(f"/ext-authz/desk/{path}")).status_code in (200, 404)
        assert world.watch.seen[-1].route in ("ext_authz", "none", "healthz")


async def test_any_method_asks_and_no_body_is_read(world: World, ada: Browser) -> None:
    """Gateways ask by GET or by what they were asked by, and may send on what came with it."""
    await at_the_desk(ada)
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = await ada.send(method, CHECK, content=b"a" * 70_000, headers={"Content-Type": "text/plain"})
        assert answer.status_code == 202, method


async def test_two_tokens_are_none(world: World, ada: Browser) -> None:
    """G13-02: which of them the gateway passes on, nobody knows; and a bad one is not made good by a cookie."""
    await at_the_desk(ada)
    token = (await ada.get(CHECK)).headers["Authorization"]
    for headers in ([("Authorization", token), ("Authorization", "Bearer x")], [("Authorization", "Bearer x.y.z")]):
        assert (await ada.send("GET", CHECK, headers=headers)).status_code == 401
    other = (await ada.tokens_for(ask()))["access_token"]
    assert (await ada.get(CHECK, headers={"Authorization": f"Bearer {other}"})).status_code == 401


async def test_an_office_behind_one_gateway_does_not_block_itself(world: World, ada: Browser) -> None:
    """More refusals from one address than any route allows; each a 401, none a line in the ledger."""
    office = world.browser()
    lines = await world.count("ledger")
    forged = {"Authorization": "Bearer x.y.z", "Cookie": f"{COOKIE}=x"}
    for _ in range(60):
        for path, headers in ((CHECK, {}), (CHECK, forged), ("/ext-authz/desk/x", {}), (START, {})):
            assert (await office.http.get(path, headers=headers)).status_code == 401
    assert await world.count("ledger") == lines


async def test_what_no_gateway_guards_is_not_there(world: World, ada: Browser) -> None:
    """404, unknown or declared without one, for whoever asks."""
    await at_the_desk(ada)
    for name in ("demo-app", "nobody", "a" * 65):
        for path in (
            "forward-auth/{}",
            "forward-auth/{}/start",
            "forward-auth/{}/callback?state=x&code=y",
            "ext-authz/{}/x",
        ):
            answer = await ada.get(f"/{path.format(name)}", headers=OPENS_A_PAGE)
            assert answer.status_code == 404, (name, path)
        assert (await ada.send("POST", f"/forward-auth/{name}/sign-out", headers=SAME_ORIGIN)).status_code == 404


async def test_a_wish_for_an_organization_narrows(world: World, ada: Browser) -> None:
    """As for any Application; one that the User does not act for is refused, in words, on the service's host."""
    await ada.sign_in()
    await ada.get(await ada.to_the_desk(organization="globex"))
    assert (await ada.get(CHECK)).headers["X-Auth-Request-Organization"] == "globex"

    answer = await ada.get(await ada.to_the_desk(organization="initech"))
    assert (answer.status_code, await world.reason()) == (403, "gateway_denied")


async def test_a_code_that_was_stolen_admits_nobody(world: World, ada: Browser, mallory: Browser) -> None:
    """PKCE: the code of one trip, with the state of another's; it is burnt."""
    await ada.sign_in()
    stolen = parse_qs(urlsplit(await ada.to_the_desk()).query)
    began = await mallory.get(START, headers=OPENS_A_PAGE)
    state = parse_qs(urlsplit(began.headers["Location"]).query)["state"][0]
    query = urlencode({"code": stolen["code"][0], "iss": stolen["iss"][0], "state": state})
    answer = await mallory.get(f"{CALLBACK}?{query}")

    assert answer.status_code == 400
    assert mallory.cookie("gateway") is None
    assert await world.rows("SELECT id FROM grants WHERE revoked_at IS NULL") == []
