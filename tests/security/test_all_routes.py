"""Properties of every route of the table: each good request is bent in every way, one thing at a time.

A bent request is either refused (in the format of the place, nothing changed, no Provider asked: the invariants hold
that) or answered like the good one, because what was bent does not matter. Nothing is ever a 500, nothing leads away.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import httpx2
import pytest

from broker.web.routes import TABLE
from tests.security.good_requests import GOOD, Good, Pairs, url_of
from tests.security.template import HTTP, Template
from tests.security.world import World, open_world

pytestmark = pytest.mark.anyio

ROUTES = [name for name, *_ in TABLE]
NO_FORMS = (
    "token",
    "par",
    "device_authorization",
    "revoke",
    "introspect",
    "forward_auth",
    "ext_authz",
    "gateway_start",
    "provider_logout",
)
FORMS = [
    name
    for name, _, methods, *_ in TABLE
    if "POST" in methods and name not in (*NO_FORMS, "authorize", "userinfo", "end_session")
]
NASTY = [
    "",
    " ", "\x00", "\x7f", "é", "\u202e", "\ud7ff\U0010ffff", "'\"><script>", "' OR 1=1 --", "{{7*7}}",
    "../../etc/passwd", "-1", "null", "[]", "a" * 5000, "%00", "\r\nSet-Cookie: x=y", "0" * 40, "\uff11",
]  # fmt: skip
Bent = tuple[str, Good]
ALWAYS_USED_UP = {"token", "callback", "gateway_callback"}
USED_UP = {
    *("provider_logout", "device_answer", "end_session", "sign_out", "disconnect"),
    *("end_one_session", "end_all_sessions", "accept", "decline"),
}
"""Of these routes a good request works once; of the first not even once after a bent one."""


def test_every_route_has_a_good_request() -> None:
    """So that the properties below hold for those which come later, too."""
    assert sorted(GOOD) == sorted(ROUTES)


async def answer_to(world: World, good: Good, *, content: bytes | None = None) -> httpx2.Response:
    """Send it from an address of its own, with the cookies it has and no others."""
    browser = world.browser()
    for name, value in good.cookies.items():
        browser.http.cookies.set(name, value, domain=urlsplit(world.settings.issuer).hostname or "")
    return await browser.send(
        good.method,
        url_of(good),
        form=good.form,
        content=good.body if content is None else content,
        headers=good.headers,
    )


def kind_of(answer: httpx2.Response) -> tuple[int, str]:
    """What two answers have in common that are alike: the status, and where they lead but for its parameters."""
    return answer.status_code, answer.headers.get("Location", "").partition("?")[0]


class Bending:
    """Sends bent requests of one route, and compares each answer with the good one's."""

    def __init__(self, world: World, route: str) -> None:
        self.world = world
        self.route = route
        self.owner = world.browser()

    async def good(self) -> Good:
        """A fresh one: those before may be used up."""
        return await GOOD[self.route](self.world, self.owner)

    async def prove(self, bend: Callable[[Good], Iterator[Bent]], *, must_fail: bool = False) -> int:
        """Hold everything that `bend` makes of a good request against the property; how many those were."""
        usual = kind_of(await answer_to(self.world, await self.good()))
        assert usual[0] < 400
        good = await self.good()
        bent = list(bend(good))
        for number in range(len(bent)):
            name, request = bent[number]
            answer = await answer_to(self.world, request)
            refused = self.world.watch.seen[-1].refused
            alike = kind_of(answer) == usual or (good.asks and answer.status_code == 200)
            led_to_sign_in = answer.headers.get("Location", "").startswith("/sign-in")
            assert refused or led_to_sign_in or (alike and not must_fail), (name, kind_of(answer))
            if self.route in ALWAYS_USED_UP or (self.route in USED_UP and not refused):
                good = await self.good()
                bent = list(bend(good))
        return len(bent)


@pytest.fixture
async def bending(world: World, request: pytest.FixtureRequest) -> Bending:
    """Of the route that the test is run for."""
    return Bending(world, request.getfixturevalue("route"))


def parameters_of(good: Good) -> Iterator[tuple[str, Pairs, str, str]]:
    """("query" or "form", all of its pairs, a name, its value)."""
    for place in ("query", "form"):
        pairs: Pairs = getattr(good, place) or []
        for name, value in pairs:
            yield place, pairs, name, value


def _with(good: Good, place: str, pairs: Pairs) -> Good:
    copy = deepcopy(good)
    return replace(copy, query=pairs) if place == "query" else replace(copy, form=pairs)


def nasty_values(good: Good) -> Iterator[Bent]:
    """Each parameter in turn, with each value that nobody sends."""
    for place, pairs, name, _ in parameters_of(good):
        for value in NASTY:
            yield f"{name}={value[:20]!r}", _with(good, place, [(n, value if n == name else v) for n, v in pairs])


def needed_missing(good: Good) -> Iterator[Bent]:
    """Each parameter that is needed in turn: left out, empty, twice, twice with different values."""
    for place, pairs, name, value in parameters_of(good):
        if name in good.needed:
            rest = [pair for pair in pairs if pair[0] != name]
            for how, own in (
                ("no", []),
                ("empty", [""]),
                ("twice", [value, value]),
                ("two", [value, "x"]),
                ("second", ["x", value]),
            ):
                yield f"{how} {name}", _with(good, place, [*rest, *((name, v) for v in own)])


def any_missing(good: Good) -> Iterator[Bent]:
    """Each parameter in turn: left out, twice."""
    for place, pairs, name, value in parameters_of(good):
        yield f"no {name}", _with(good, place, [pair for pair in pairs if pair[0] != name])
        yield f"{name} twice", _with(good, place, [*pairs, (name, value)])


def too_much(good: Good) -> Iterator[Bent]:
    """Parameters nobody knows, and too many of them."""
    for place in ("query", "form"):
        pairs: Pairs = getattr(good, place) or []
        if place == "query" or good.form is not None:
            yield (
                f"unknown in {place}",
                _with(good, place, [*pairs, ("unknown", "x"), ("unknown", "y"), ("x" * 900, "z")]),
            )
            yield f"too many in {place}", _with(good, place, [*pairs, *((f"x{n}", "y") for n in range(70))])


def odd_cookies(good: Good) -> Iterator[Bent]:
    """Each cookie in turn: none, empty, another value, its own name's neighbours; and far too many."""
    names = {*good.cookies, "__Host-partner_ops_session", "partner_ops_session"}
    for name in sorted(names):
        for value in ("", "x", "A" * 43, "c1." + "A" * 100, '"', "é", "a b", "A" * 6000, "\\", "%00"):
            yield f"{name}={value[:9]}", _cookie_header(good, [*_others(good, name), (name, value)])
        yield f"no {name}", replace(deepcopy(good), cookies=dict(_others(good, name)))
    attempts = [(f"__Host-partner_ops_attempt_{n:x}", "x") for n in range(40)]
    odd = [
        ("__Host-partner_ops_attempt_a b", "x"),
        ("__Host-partner_ops_attempt_é", "x"),
        ("", ""),
        ("=", "="),
        ("é", "é"),
    ]
    odd += [
        (f"__Host-partner_ops_attempt_{n}{mark}", "x") for n, mark in enumerate((" ", "é", '"', ",", "(", "@", "\x7f"))
    ]
    yield "many attempts", _cookie_header(good, [*good.cookies.items(), *attempts])
    yield "odd names", _cookie_header(good, [*good.cookies.items(), *odd])
    yield "twice", _cookie_header(good, [*good.cookies.items(), *good.cookies.items()])


def _others(good: Good, name: str) -> Pairs:
    return [pair for pair in good.cookies.items() if pair[0] != name]


def _cookie_header(good: Good, pairs: Pairs) -> Good:
    header = "; ".join(f"{name}={value}" for name, value in pairs)
    return replace(deepcopy(good), cookies={}, headers=good.headers | {"Cookie": header})


def odd_headers(good: Good) -> Iterator[Bent]:
    """Headers which mean something, with values that mean nothing."""
    anything = ("", "\x01é", "A" * 8000)
    credentials = ("Basic x", "Basic Og==", "Basic " + "A" * 4000, "Bearer ", "Bearer x.y.z", "Digest x", "null")
    for name in ("Authorization", "Accept", "User-Agent", "Origin", "Referer", "If-None-Match", "X-Request-Id"):
        for value in (*anything, *(credentials if name == "Authorization" else ())):
            yield f"{name}: {value[:20]}", replace(deepcopy(good), headers=good.headers | {name: value})


@pytest.mark.parametrize("route", ROUTES)
async def test_a_good_request_is_granted(world: World, bending: Bending, route: str) -> None:
    """So that what is refused below is refused for what was bent."""
    answer = await answer_to(world, await bending.good())

    assert answer.status_code < 400
    assert world.watch.seen[-1].route == route
    assert not world.watch.seen[-1].refused


@pytest.mark.parametrize("route", ROUTES)
async def test_no_value_does_harm(bending: Bending, route: str) -> None:
    """Each parameter with each nasty value."""
    await bending.prove(nasty_values)


@pytest.mark.parametrize("route", [name for name in ROUTES if name not in ("end_session", "sign_in")])
async def test_what_is_needed_must_be_there_once(bending: Bending, route: str) -> None:
    """Left out, empty or repeated, the request is refused."""
    good = await bending.good()
    proven = await bending.prove(needed_missing, must_fail=True)

    assert proven == 5 * len(good.needed)


@pytest.mark.parametrize("route", ROUTES)
async def test_what_is_left_out_or_repeated_does_no_harm(bending: Bending, route: str) -> None:
    """Parameters that may be left out, too."""
    await bending.prove(any_missing)


@pytest.mark.parametrize("route", ROUTES)
async def test_too_much_does_no_harm(bending: Bending, route: str) -> None:
    """Unknown parameters are ignored, too many are refused."""
    await bending.prove(too_much)


@pytest.mark.parametrize("route", ROUTES)
async def test_no_cookie_does_harm(bending: Bending, route: str) -> None:
    """Missing, malformed, repeated, too large, too many."""
    await bending.prove(odd_cookies)


@pytest.mark.parametrize("route", ROUTES)
async def test_no_header_does_harm(bending: Bending, route: str) -> None:
    """Those that the broker reads, and those that others like to."""
    await bending.prove(odd_headers)


@pytest.mark.parametrize("route", [name for name, _, methods, *_ in TABLE if "POST" in methods])
async def test_no_body_does_harm(world: World, bending: Bending, route: str) -> None:
    """What is no form, or too long a one, is refused with 400 or 413."""
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for content in (
        b"",
        b"\xff",
        b"%ff=%fe",
        b"{}",
        b"<xml/>",
        b"a" * 70_000,
        b"&" * 65_000,
        b"\x00" * 100,
        b"a=%ud800",
    ):
        for headers in (kind, {"Content-Type": "application/json"}, {"Content-Type": "multipart/form-data"}, {}):
            good = await bending.good()
            bent = replace(good, method="POST", form=None, query=[], headers=good.headers | headers)
            answer = await answer_to(world, bent, content=content)
            assert answer.status_code < 500


@pytest.mark.parametrize("route", ROUTES)
async def test_no_other_method_is_taken(world: World, bending: Bending, route: str) -> None:
    """405 with `Allow`, in the format of the place; HEAD goes where GET goes."""
    by_path = {path: {m for _, p, methods, *_ in TABLE if p == path for m in methods} for _, path, *_ in TABLE}
    pattern, own = next((path, by_path[path]) for name, path, *_ in TABLE if name == route)
    good = await bending.good()
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "X-Y"):
        if method in own:
            continue
        answer = await answer_to(world, replace(deepcopy(good), method=method, form=None))
        other = {
            p
            for p in by_path
            if p != pattern and p.count("/") == pattern.count("/") and method in by_path[p] and "{" in p
        }
        if not other:
            assert answer.status_code == 405, method
            assert answer.headers["Allow"]


@pytest.mark.parametrize("route", ROUTES)
async def test_head_is_a_get_without_a_body(world: World, bending: Bending, route: str) -> None:
    """And where a GET would be refused, so is a HEAD."""
    good = await bending.good()
    if good.method == "GET":
        answer = await answer_to(world, replace(good, method="HEAD"))
        assert answer.status_code < 400


@pytest.mark.parametrize("route", FORMS)
async def test_no_form_is_taken_from_elsewhere(world: World, bending: Bending, route: str) -> None:
    """Another site's, another host's, or one without our token where there is a Session."""
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
    ):
        answer = await answer_to(world, replace(await bending.good(), headers=headers))
        assert (answer.status_code, await world.reason()) == (403, "cross_site")
    good = await bending.good()
    if "csrf" in good.needed:
        form = [pair for pair in good.form or [] if pair[0] != "csrf"]
        for headers in ({}, good.headers, {"Origin": "https://id.example"}):
            answer = await answer_to(world, replace(deepcopy(good), form=form, headers=headers))
            assert (answer.status_code, await world.reason()) == (403, "cross_site")


@pytest.mark.parametrize("route", FORMS)
async def test_no_form_is_taken_from_nobody(world: World, bending: Bending, route: str) -> None:
    """Without a Session one is led to signing in, and nothing has happened."""
    good = await bending.good()
    if "csrf" in good.needed:
        answer = await answer_to(world, replace(good, cookies={}))
        assert answer.headers["Location"].partition("?return_to=")[0] == "/sign-in"


@pytest.fixture
async def http_world(template: Template, tmp_path: Path) -> AsyncIterator[World]:
    """Development's issuer."""
    async with open_world(template, tmp_path, issuer=HTTP) as world:
        yield world


@pytest.mark.parametrize(
    "route", ["token", "authorize", "callback", "sign_in_begin", "consent_decision", "end_session"]
)
async def test_a_loopback_issuer_is_no_exception(http_world: World, route: str) -> None:
    """The same properties without TLS, where the names of the cookies are others."""
    bending = Bending(http_world, route)
    bending.owner.http.cookies.clear()

    answer = await answer_to(http_world, _moved(await bending.good()))

    assert answer.status_code < 400


def _moved(good: Good) -> Good:
    """Cookies by header: the standard library's jar keeps cookies of "localhost" under another name."""
    return _cookie_header(good, list(good.cookies.items())) if good.cookies else good


@pytest.mark.parametrize(
    "path",
    [
        "/%00",
        "/%ff",
        "/" + "a" * 7000,
        "/a/b/c/d",
        "/.env",
        "/wp-admin",
        "/oauth",
        "/api/v1",
        "/api/v1/%00",
        "/.well-known/x",
        "/assets/x",
        "/oauth/token/x",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "X"])
async def test_what_is_not_there_is_not_there(world: World, path: str, method: str) -> None:
    """404 in the format of the place, whatever the method."""
    answer = await world.browser().send(method, f"{path}?{urlencode({'state': 'x', 'client_id': 'demo-app'})}")

    assert answer.status_code in (404, 405)
