"""G13: what any web server can be attacked by: headers, paths, markup, frames, other origins, floods."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, urlencode

import httpx2
import pytest

from broker.web.errors import GATEWAY_PATHS
from broker.web.guard import REFUSALS
from broker.web.routes import TABLE
from tests.fakes.providers.google_like import FakeGoogle
from tests.security.browser import SAME_ORIGIN, Browser, Headers, answered, ask
from tests.security.device import Device
from tests.security.seen import check_format
from tests.security.staged import staged
from tests.security.template import CLIENTS, HTTP, Template
from tests.security.world import World, open_world

pytestmark = pytest.mark.anyio

PRIVATE = ["/account", "/account/connections", "/account/sessions", "/account/data"]
FORWARDED = ["X-Forwarded-For", "X_Forwarded_For", "X-Real-IP", "Forwarded", "X-Client-IP", "True-Client-IP", "Via"]


GUESS = {"client_id": "nobody", "grant_type": "authorization_code", "code": "x"}


async def guess(browser: Browser, number: int = 1, headers: Headers = ()) -> list[int]:
    """So many refused token requests; their statuses."""
    return [
        (await browser.send("POST", "/oauth/token", form=GUESS, headers=headers)).status_code for _ in range(number)
    ]


@pytest.mark.parametrize(
    "header", ["Host", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "X-Original-URL"]
)
async def test_no_header_makes_an_address(world: World, ada: Browser, header: str) -> None:
    """G13-01: links, redirects and discovery name the configured issuer, whatever a request says."""
    evil = {header: "evil.example"}
    for path in ("/", "/account", "/sign-in", "/privacy", "/nowhere", ask().url, "/.well-known/openid-configuration"):
        answer = await ada.get(path, headers=evil)
        assert "evil" not in answer.text + answer.headers.get("Location", "")


@pytest.mark.parametrize("header", FORWARDED)
async def test_nobody_chooses_the_address_they_are_counted_by(world: World, header: str) -> None:
    """G13-02: without trusted proxies the peer's own address counts, whatever is claimed."""
    browser = world.browser("203.0.113.7")
    await guess(browser, REFUSALS, {header: "198.51.100.1"})

    assert await guess(browser, 1, {header: "198.51.100.2"}) == [429]
    assert await guess(world.browser("198.51.100.1"), 1) == [401]


@pytest.fixture
async def behind_proxies(template: Template, tmp_path: Path) -> AsyncIterator[World]:
    """A broker behind two proxies, each of which appends to `X-Forwarded-For`."""
    async with open_world(template, tmp_path, trusted_proxies=2) as world:
        yield world


async def test_only_what_trusted_proxies_appended_is_read(behind_proxies: World) -> None:
    """G13-02: the last two hops are theirs; what stands before was sent by whoever asks."""
    proxy = behind_proxies.browser("10.9.9.9")
    real = "203.0.113.7, 10.0.0.1"
    await guess(proxy, REFUSALS, {"X-Forwarded-For": f"1.1.1.1, {real}"})

    assert await guess(proxy, 1, {"X-Forwarded-For": f"2.2.2.2, {real}"}) == [429]
    assert await guess(proxy, 1, {"X-Forwarded-For": "203.0.113.8, 10.0.0.1"}) == [401]


async def test_a_second_header_line_counts_like_a_longer_one(behind_proxies: World) -> None:
    """G13-02: RFC 9110 section 5.3: lines of one name are one list."""
    proxy = behind_proxies.browser("10.9.9.9")
    await guess(proxy, REFUSALS, {"X-Forwarded-For": "203.0.113.7, 10.0.0.1"})
    lines = [("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", "203.0.113.7"), ("X-Forwarded-For", "10.0.0.1")]

    assert await guess(proxy, 1, lines) == [429]


@pytest.mark.parametrize("path", PRIVATE)
async def test_no_spelling_of_a_path_goes_round_the_door(world: World, path: str) -> None:
    """G13-03: without a Session every spelling leads to signing in, or nowhere."""
    last = path.rsplit("/", 1)[1]
    spellings = {
        *(
            path,
            path + "/",
            path + "//",
            path + ";",
            path + ";x=y",
            path + "%2f",
            path + "%2F..",
            path + "%00",
            path + "%20",
        ),
        *(
            path + "?",
            path + ".json",
            path + "%3f",
            path + "%23",
            path + "#x",
            "/." + path,
            "/x/.." + path,
            path.upper(),
        ),
        *(
            path.replace("account", "%61ccount"),
            path.replace("/", "%2f"),
            path.replace("/", "\\"),
            "/healthz/.." + path,
        ),
        *(f"/healthz%2f..{path}", f"/.well-known/..{path}", f"/assets/..{path}", f"/{last};/../account/{last}"),
    }
    for spelled in sorted(spellings):
        for headers in ({}, {"User-Agent": "kube-probe/1.30"}, {"X-Original-URL": path, "X-Rewrite-URL": path}):
            answer = await world.browser().get(spelled, headers=headers)
            assert answer.status_code in (303, 404, 405), spelled
            assert answer.headers.get("Location", "/sign-in") in ("/sign-in", "/account"), spelled


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "get", "X"])
async def test_no_method_goes_round_the_door(world: World, method: str) -> None:
    """G13-03: nor a header that asks for another one."""
    for path in PRIVATE:
        for override in ({}, {"X-HTTP-Method-Override": "GET", "X-Method-Override": "GET"}):
            answer = await world.browser().send(method, path, headers=override)
            assert answer.status_code in (303, 405), path
            assert answer.status_code == 405 or answer.headers["Location"] == "/sign-in"


class _Markup(HTMLParser):
    """What a browser would make of a page: its elements, and the attributes that could run something."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.dangers: list[tuple[str, str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        for name, value in attrs:
            text = (value or "").strip().lower()
            leads = name in ("href", "src", "srcset", "action", "formaction")
            if (
                name.startswith("on")
                or name in ("style", "srcdoc")
                or (leads and text.startswith(("javascript:", "data:")))
            ):
                self.dangers.append((tag, name, text))


PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "{{31337*3}}{%raw%}${31337*3}",
    "javascript:alert(1)",
    "<!--<script>-->&lt;b&gt;\u2028</p>",
]
FOREIGN = {"script", "iframe", "object", "embed", "base", "math", "frame", "video", "audio"}


def harmless(page: str, payload: str) -> None:
    """A page that may show the payload, but not do it."""
    markup = _Markup(page)
    assert markup.elements & FOREIGN == set()
    assert markup.dangers == []
    assert payload not in page or html.escape(payload) == payload
    assert "94011" not in page


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_what_a_provider_says_is_text(template: Template, tmp_path: Path, payload: str) -> None:
    """G13-04: name, address, scopes; on every page that shows them."""
    async with staged(template, tmp_path, FakeGoogle, keep=("email", "name", "picture", "locale")) as (world, google):
        google.person |= {"name": payload, "email": f"{payload}@x.example", "picture": payload, "locale": payload}
        google.bend_answer = lambda answer: answer | {"scope": f"openid {payload}"}
        ada = world.browser()
        await ada.sign_in(registration="twin")
        connection = (await world.rows("SELECT id FROM connections"))[0]["id"]

        for path in [*PRIVATE, f"/account/connections/{connection}/disconnect", ask("crm").url, "/sign-in", "/privacy"]:
            answer = await ada.get(path)
            if answer.status_code == 303:
                answer = await ada.get(answer.headers["Location"])
            harmless(answer.text, payload)
        harmless((await ada.press(f"/account/connections/{connection}/disconnect")).text, payload)


@pytest.mark.parametrize("payload", [p for p in PAYLOADS if "\u2028" not in p])
async def test_what_an_operator_writes_is_text(template: Template, tmp_path: Path, payload: str) -> None:
    """G13-04: names of Clients, Applications, registrations; rights; purposes."""
    quoted = json.dumps(payload, ensure_ascii=False)  # TOML reads it alike
    right = json.dumps(re.sub(r'[ "\\]', "/", payload))  # a right holds no space, quotation mark or backslash
    clients = (
        CLIENTS.replace('"Acme Inc."', quoted).replace('"Somebody\'s CRM"', quoted).replace('"reports:read"', right)
    )
    rules = {"google": {"keep": {"email": payload}, "release": {"email": payload}}}
    named = {name: replace(made, label=payload) for name, made in template.settings.registrations.items()}
    async with open_world(template, tmp_path, registrations=named, rules=rules) as world:
        await world.declare(clients=clients)
        ada = world.browser()
        harmless((await ada.get("/sign-in")).text, payload)
        harmless((await ada.get(f"/sign-in?{urlencode(ask('crm').parameters)}")).text, payload)
        await ada.sign_in()

        for path in [*PRIVATE, "/privacy", "/oauth/consent?" + urlencode(ask("crm").parameters), "/oauth/end-session"]:
            answer = await ada.get(path)
            assert answer.status_code == 200
            harmless(answer.text, payload)


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_what_a_request_says_is_text(world: World, ada: Browser, payload: str) -> None:
    """G13-04: in pages that repeat parts of a request, and in pages about what is wrong with it."""
    names = (*ask().parameters, "error", "error_description", "notice", "connected", "state", "hd", "organization")
    await ada.sign_in()
    for browser in (ada, world.browser()):
        for path in (
            "/sign-in",
            "/oauth/authorize",
            "/oauth/consent",
            "/callback/google",
            "/oauth/end-session",
            "/account",
        ):
            for name in names:
                query = urlencode(ask("crm").parameters | {name: payload})
                harmless((await browser.get(f"{path}?{query}")).text, payload)
        harmless((await browser.get(f"/{payload}")).text, payload)
        harmless((await browser.get(f"/account/connections/{payload}/disconnect")).text, payload)
        harmless(
            (await browser.get("/sign-in", headers={"User-Agent": "Firefox/1 " + payload.replace("\u2028", "")})).text,
            payload,
        )


async def test_pages_cannot_be_framed(world: World, ada: Browser) -> None:
    """G13-05: neither by the policy nor by the older header, above all not the consent page (RFC 9700 4.16)."""
    await ada.sign_in()
    for path in [*PRIVATE, "/oauth/consent?" + urlencode(ask("crm").parameters), "/privacy", "/nowhere"]:
        headers = (await ada.get(path)).headers
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Frame-Options"] == "DENY"


ORIGINS = [
    "null",
    "https://evil.example",
    "https://sub.app.example",
    "https://app.example.evil.example",
    "http://app.example",
]
ORIGINS += ["https://APP.example", "https://app.example:443", "https://app.example/", "https://reports.example", ""]


@pytest.mark.parametrize("origin", ORIGINS)
async def test_no_other_origin_reads_a_token(world: World, ada: Browser, origin: str) -> None:
    """G13-06: scripts of an Application's own pages only, to the letter, and never with credentials."""
    request = ask()
    code = await ada.code_for(request)
    form = {
        "grant_type": "authorization_code",
        "client_id": "demo-app",
        "code": code,
        "code_verifier": request.verifier,
    }
    form |= {"redirect_uri": request.parameters["redirect_uri"]}

    answer = await ada.send("POST", "/oauth/token", form=form, headers={"Origin": origin})

    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_an_applications_own_pages_read_their_token(world: World, ada: Browser) -> None:
    """G13-06: the origin of a registered redirect target, and no other Application's."""
    request = ask()
    code = await ada.code_for(request)
    form = {
        "grant_type": "authorization_code",
        "client_id": "demo-app",
        "code": code,
        "code_verifier": request.verifier,
    }
    form |= {"redirect_uri": request.parameters["redirect_uri"]}

    answer = await ada.send("POST", "/oauth/token", form=form, headers={"Origin": "https://app.example"})

    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert answer.headers["Vary"] == "Origin"


@pytest.mark.parametrize("origin", ["null", "https://evil.example", "https://app.example", "https://id.example"])
async def test_no_other_origin_reads_a_page(world: World, ada: Browser, origin: str) -> None:
    """G13-06: pages and the API are for nobody else's scripts, userinfo for the Application's own."""
    tokens = await ada.tokens_for(ask())
    bearer = {"Authorization": f"Bearer {tokens['access_token']}", "Origin": origin}
    preflight = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x"}
    asking = {path for _, path, methods, *_ in TABLE if "OPTIONS" in methods}
    asked_first = {path for path in asking if not path.startswith(GATEWAY_PATHS)}  # gateways have their own cases
    assert asked_first == {"/oauth/token", "/oauth/par", "/oauth/revoke", "/oauth/userinfo"}
    for _, path, *_ in TABLE:
        if "{" not in path:
            answer = await ada.get(path, headers=bearer)
            told = [name for name in answer.headers if name.startswith("access-control-")]
            assert bool(told) is (path == "/oauth/userinfo" and origin == "https://app.example"), path
        if "{" not in path and path not in asked_first:
            answer = await ada.send("OPTIONS", path, headers=preflight)
            assert answer.status_code == 405
            assert not [name for name in answer.headers if name.startswith("access-control-")], path


async def test_what_everybody_may_read_everybodys_scripts_may_read(world: World, ada: Browser) -> None:
    """G13-06: discovery and keys, without credentials."""
    for path in ("/.well-known/openid-configuration", "/.well-known/jwks.json"):
        answer = await ada.get(path, headers={"Origin": "https://evil.example"})
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def deeds(world: World, browser: Browser) -> list[tuple[str, dict[str, str]]]:
    """Every form of the User's own pages that changes something."""
    session = (await world.rows("SELECT id FROM sessions"))[0]["id"]
    connection = (await world.rows("SELECT id FROM connections"))[0]["id"]
    device = await Device(world.browser()).begin()
    return [
        ("/account/sign-out", {}),
        ("/account/sessions/end-others", {}),
        ("/account/sessions/end-all", {}),
        ("/account/applications/demo-app/remove", {}),
        ("/account/applications/gnt_x/dismiss", {}),
        (f"/account/sessions/{session}/end", {}),
        (f"/account/connections/{connection}/disconnect", {}),
        ("/account/connections/corp", {}),
        ("/account/choices", {"subject": "news", "agreed": "yes"}),
        ("/account/data/archive", {}),
        (f"/account/data/{connection}/name", {"value": "Ada Byron"}),
        (f"/account/data/{connection}/name/uncorrect", {}),
        ("/account/erase", {"word": "erase"}),
        ("/oauth/consent", ask("crm").parameters | {"decision": "allow"}),
        ("/oauth/end-session", {"confirmed": "yes"}),
        ("/device", {"user_code": device.user_code}),
        ("/device/answer", {"user_code": device.user_code, "decision": "allow"}),
    ]


async def test_every_form_that_changes_something_is_known(world: World, ada: Browser) -> None:
    """G13-07: the cases below hold for all of them, also for those that come later; gateways have their own cases."""
    await ada.sign_in()
    asked = {path for path, _ in await deeds(world, ada)} | {"/sign-in/google", "/oauth/token", "/oauth/authorize"}
    posts = {path for _, path, methods, *_ in TABLE if "POST" in methods and not path.startswith(GATEWAY_PATHS)}

    software = {f"/oauth/{name}" for name in ("userinfo", "introspect", "revoke", "par", "device_authorization")}
    others = {"/callback/google/logout", "/sign-in/accept", "/sign-in/decline", "/api/v1/me/erase"}
    assert len(posts) == len(asked | software | others)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://id.example"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://id.example"}, 403),
        ({"Origin": "https://id.example:443"}, 403),
        ({"Origin": "https://id.example.evil.example"}, 403),
        (SAME_ORIGIN | {"Content-Type": "text/plain"}, 400),
        (SAME_ORIGIN | {"Content-Type": "application/json"}, 400),
        (SAME_ORIGIN | {"Content-Type": "multipart/form-data; boundary=x"}, 400),
        (SAME_ORIGIN | {"Content-Type": ""}, 400),
    ],
)
async def test_another_site_cannot_fill_our_forms(
    world: World, ada: Browser, headers: dict[str, str], status: int
) -> None:
    """G13-07: not even with the right token; nor can a form be sent as what no form sends."""
    await ada.sign_in()
    csrf = await ada.csrf()
    for path, form in await deeds(world, ada):
        answer = await ada.send("POST", path, form=form | {"csrf": csrf}, headers=headers)
        assert answer.status_code == status, path
    assert await ada.is_signed_in()


@pytest.mark.parametrize("csrf", [[], [""], ["x"], ["A" * 64], ["é"], ["right", "right"], ["RIGHT"]])
async def test_a_form_without_our_token_is_not_ours(world: World, ada: Browser, csrf: list[str]) -> None:
    """G13-07: where a browser says nothing of where a post comes from, the token decides alone."""
    await ada.sign_in()
    right = await ada.csrf()
    words = {"right": right, "RIGHT": right.upper()}
    for path, form in await deeds(world, ada):
        pairs = [*form.items(), *(("csrf", words.get(value, value)) for value in csrf)]
        for headers in ({}, SAME_ORIGIN):
            answer = await ada.send("POST", path, form=pairs, headers=headers)
            assert (answer.status_code, await world.reason()) == (403, "cross_site"), path
    assert await ada.is_signed_in()


def alike(first: httpx2.Response, second: httpx2.Response) -> bool:
    """Whether nobody could tell two answers apart: status, headers and body, but for the request's own id."""
    told = []
    for answer in (first, second):
        own = answer.headers["X-Request-Id"]
        headers = {name: value for name, value in answer.headers.items() if value != own}
        told.append((answer.status_code, headers, answer.text.replace(own, "")))
    return told[0] == told[1]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_is_somebody_elses_is_not_there(world: World, ada: Browser, mallory: Browser, method: str) -> None:
    """G13-07, I5: another User's Connection, one that never was, and what cannot be one."""
    await ada.sign_in("ada")
    theirs = (await world.rows("SELECT id FROM connections"))[0]["id"]
    await mallory.sign_in("stranger")
    form = {"csrf": await mallory.csrf()} if method == "POST" else None

    answers = [
        await mallory.send(method, f"/account/connections/{name}/disconnect", form=form, headers=SAME_ORIGIN)
        for name in (theirs, "con_" + "a" * 26, "x", "con_%00", "é", "a" * 200)
    ]

    assert answers[0].status_code == 404
    assert all(alike(answers[0], other) for other in answers[1:])
    assert await ada.is_signed_in()


async def test_what_does_not_exist_looks_like_what_is_not_yours(world: World, ada: Browser) -> None:
    """G13-07, I5: an Application with a wrong secret and none at all; a Client one does not act for and none at all."""
    tokens = [
        await ada.redeem(ask("reports"), "x", client_id=name, client_secret="wrong") for name in ("reports", "none")
    ]
    assert alike(tokens[0], tokens[1])
    assert tokens[0].status_code == 401
    await ada.sign_in("grace")

    told = [answered(await ada.get(ask(organization=name, state="s").url)) for name in ("acme", "none")]
    assert told[0] == told[1]
    assert told[0]["error"] == "access_denied"


async def test_no_text_upsets_the_database(postgres_world: World) -> None:
    """G13-04: PostgreSQL takes no zero bytes; nothing that a caller sends makes it fail, which would be a 503."""
    ada = postgres_world.browser()
    await ada.sign_in()
    names = (*ask().parameters, "organization", "provider", "login_hint")
    for odd in ("\x00", "x\x00y", "\ud7ff", "\U0010ffff", "\u0130", "%", "'", "\\"):
        basic = {"Authorization": "Basic " + base64.b64encode(f"{quote(odd)}:x".encode()).decode()}
        code = {"grant_type": "authorization_code", "code": odd}
        part = quote(odd, safe="")
        answers = [
            await ada.redeem(ask(), "x", client_id=odd),
            await ada.redeem(ask(), odd, code_verifier=odd, redirect_uri=odd),
            await ada.send("POST", "/oauth/token", form=code, headers=basic),
            await ada.get(f"/oauth/end-session?{urlencode({'client_id': odd, 'post_logout_redirect_uri': odd})}"),
            await ada.get(f"/oauth/end-session?{urlencode({'id_token_hint': odd})}"),
            await ada.get(f"/account/connections/{part}/disconnect"),
            await ada.press(f"/account/connections/{part}/disconnect"),
            await ada.press(f"/account/connections/{part}"),
            await ada.press(f"/account/sessions/{part}/end"),
            await ada.post(f"/sign-in/{part}"),
            await ada.get(f"/callback/{part}?{urlencode({'state': odd, 'code': odd})}"),
            await postgres_world.browser().get("/account", headers={"Cookie": f"__Host-partner_ops_session={part}"}),
            *[await ada.get(ask("demo-app", **{name: odd}).url) for name in names],
        ]
        assert {answer.status_code // 100 for answer in answers} <= {3, 4}, odd


async def test_credentials_are_sent_once(world: World, ada: Browser) -> None:
    """G13-03: two headers of one name: whoever is in front of the broker may have looked at the other one."""
    request = ask("reports")
    tokens = await ada.tokens_for(request)
    bearer = ("Authorization", f"Bearer {tokens['access_token']}")
    basic = ("Authorization", "Basic " + base64.b64encode(b"reports:canary-reports-secret").decode())
    other = ("Authorization", "Bearer x")
    for headers in ([bearer, other], [other, bearer], [bearer, bearer]):
        for path in ("/oauth/userinfo", "/api/v1/authorizations"):
            assert (await ada.get(path, headers=headers)).status_code == 400
    form = {"grant_type": "authorization_code", "code": "x"}
    for headers in ([basic, other], [other, basic], [basic, basic]):
        assert (await ada.send("POST", "/oauth/token", form=form, headers=headers)).status_code == 400


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({}, "invalid_grant"),
        ({"client_id": "reports"}, "invalid_grant"),
        ({"client_id": "crm"}, "invalid_request"),
        ({"client_secret": "canary-reports-secret"}, "invalid_request"),
        ({"client_id": "reports", "client_secret": "x"}, "invalid_request"),
    ],
)
async def test_an_application_proves_itself_in_one_way(
    world: World, ada: Browser, more: dict[str, str], error: str
) -> None:
    """G13-03: header or body, never both, and both name one Application (RFC 6749 section 2.3)."""
    basic = {"Authorization": "Basic " + base64.b64encode(b"reports:canary-reports-secret").decode()}
    form = {"grant_type": "authorization_code", "code": "x"} | more

    answer = await ada.send("POST", "/oauth/token", form=form, headers=basic)

    assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_no_page_and_no_api_shows_a_providers_token(world: World, ada: Browser) -> None:
    """G13-08: nothing that a Provider issued leaves the broker; the invariants look for it in every answer."""
    tokens = await ada.tokens_for(ask())
    await ada.get(await ada.connect())
    issued = [i.value for u in (world.google, world.corp) for i in u.provider.issued if i.kind != "code"]
    assert len(issued) == 5
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    for name, path, methods, *_ in TABLE:
        if "GET" in methods and "{" not in path:
            answer = await ada.get(path, headers=headers)
            assert not [value for value in issued if value in answer.text], name
    assert set(world.watch.canaries.known.values()) >= {"upstream access_token", "upstream refresh_token"}


async def test_who_is_refused_too_often_waits(world: World) -> None:
    """G13-09: a hundred a minute, then 429 with Retry-After, also for what would have been granted."""
    browser = world.browser()
    assert await guess(browser, REFUSALS) == [401] * REFUSALS

    answer = await browser.send("POST", "/oauth/token", form=GUESS)

    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    request = ask()
    code = await world.browser().code_for(request)
    assert (await browser.redeem(request, code)).status_code == 429
    assert (await world.browser().redeem(request, code)).status_code == 200


async def test_a_success_does_not_clear_the_count(world: World) -> None:
    """G13-09: whoever guesses may not begin anew by being right about something else."""
    browser = world.browser()
    await guess(browser, REFUSALS - 1)
    request = ask()
    assert (await browser.redeem(request, await browser.code_for(request))).status_code == 200

    assert await guess(browser, 2) == [401, 429]


async def test_one_place_does_not_block_another(world: World) -> None:
    """G13-09: neither another address nor another route."""
    browser = world.browser()
    await guess(browser, REFUSALS + 1)

    assert await guess(world.browser(), 1) == [401]
    assert (await browser.get("/sign-in")).status_code == 200
    assert (await browser.sign_in()).status_code == 303


@pytest.mark.parametrize(
    "path",
    [
        "/callback/google?state=x&code=y",
        "/oauth/userinfo",
        "/oauth/authorize",
        "/oauth/end-session?state=&id_token_hint=x",
    ],
)
async def test_every_door_has_its_limit(world: World, path: str) -> None:
    """G13-09: in the format of the place, and no line of the ledger for what was not looked at."""
    browser = world.browser()
    for _ in range(REFUSALS):
        assert (await browser.get(path)).status_code in (400, 401)
    await browser.get(path)
    events = await world.count("ledger")

    answer = await browser.get(path)

    assert answer.status_code == 429
    assert await world.count("ledger") == events
    check_format(world.watch.seen[-1])


@pytest.mark.parametrize(("first", "second", "status"), [
    ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", 429),
    ("2001:db8:1:2::1", "2001:db8:1:3::1", 401),
    ("fe80::1%eth0", "fe80::2%eth0", 429),
    ("::ffff:203.0.113.7", "203.0.113.7", 429),
    ("::ffff:203.0.113.7", "::ffff:203.0.113.8", 401),
    ("1::2:x", "1::2:y", 401),
])  # fmt: skip
async def test_who_has_a_network_is_counted_as_one(world: World, first: str, second: str, status: int) -> None:
    """G13-09: there are 2^64 addresses in the smallest network of IPv6."""
    await guess(world.browser(first), REFUSALS + 1)

    assert await guess(world.browser(second)) == [status]


async def test_asking_silently_is_not_counted(world: World) -> None:
    """G13-09: `prompt=none` is answered login_required all day long; an office behind one address goes on working."""
    browser = world.browser()
    for _ in range(REFUSALS + 20):
        assert answered(await browser.get(ask(prompt="none").url))["error"] == "login_required"


async def test_who_guesses_organisations_is_counted(world: World, ada: Browser) -> None:
    """G13-09: an access_denied is a refusal like any other."""
    await ada.sign_in()
    for number in range(REFUSALS):
        assert answered(await ada.get(ask(organization=f"org{number}").url))["error"] == "access_denied"
    await ada.get(ask(organization="one-more").url)

    assert (await ada.get(ask(organization="acme").url)).status_code == 429


async def test_the_headers_of_a_loopback_issuer(loopback_world: World) -> None:
    """G13-05: the same, but for what needs TLS; forms may lead to loopback ports too."""
    headers = (await loopback_world.browser().get("/sign-in")).headers

    assert "Strict-Transport-Security" not in headers
    assert headers["Content-Security-Policy"].endswith(
        "form-action 'self' https: http://localhost:* http://127.0.0.1:*"
    )
    assert loopback_world.settings.issuer == HTTP
