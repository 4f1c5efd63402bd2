"""G14: nobody makes the broker call an address of their choice, or work for long, or remember much.

What the broker calls on behalf of a Provider's metadata is in `test_upstream_ssrf.py`; here is what callers hand in.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import math
import random
import string
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from broker.domain.errors import Refusal
from broker.web.errors import GATEWAY_PATHS, STATUSES
from broker.web.parameters import MAX_PARAMETERS, form_of
from broker.web.routes import TABLE
from broker.web.surface import MAX_BODY
from tests.fakes.providers.oidc import FakeOpenIdProvider
from tests.rules.tree import product_modules, text, told
from tests.security.browser import SAME_ORIGIN, Browser, ask
from tests.security.staged import staged
from tests.security.template import Template
from tests.security.world import World, open_world
from tests.servers.asgi import serving

pytestmark = pytest.mark.anyio


LONGEST_WORK = 0.05
"""Seconds of processor time."""


class Listener:
    """A server that nobody has a reason to call, and how often it was."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.url = ""
        methods = ["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS"]
        self.app = Starlette(routes=[Route("/{path:path}", self._called, methods=methods)])

    async def _called(self, request: Request) -> Response:
        self.calls.append(request.url.path)
        return PlainTextResponse("{}")


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    """One for this module."""
    listening = Listener()
    with serving(listening.app) as url:
        listening.url = url
        yield listening


def forged(claims: dict[str, Any], **header: Any) -> str:
    """A token with a header of our choice and no valid signature."""
    parts = ({"alg": "ES256", "typ": "JWT", **header}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, "AAAA"])


URLS = (
    *(
        "request_uri",
        "redirect_uri",
        "post_logout_redirect_uri",
        "sector_identifier_uri",
        "jwks_uri",
        "logo_uri",
        "iss",
    ),
    *(
        "registration",
        "resource",
        "claims",
        "id_token_hint",
        "logout_hint",
        "target_link_uri",
        "picture",
        "next",
        "url",
    ),
    *("client_id", "state", "provider", "organization", "login_hint", "issuer", "webfinger", "backchannel_logout_uri"),
)


async def test_no_parameter_makes_the_broker_call_out(world: World, ada: Browser, listener: Listener) -> None:
    """G14-01: request objects, logos, key sets, logout addresses: nothing that a caller names is fetched."""
    await ada.sign_in()
    wanted = {name: f"{listener.url}/{name}" for name in URLS}
    hint = forged(
        {"iss": listener.url, "aud": "demo-app"}, jku=f"{listener.url}/jku", x5u=f"{listener.url}/x5u", kid="x"
    )
    calls = [upstream.provider.requests.total() for upstream in (world.google, world.corp)]
    for _, path, *_ in TABLE:
        if "{" not in path:
            await ada.get(f"{path}?{urlencode(wanted)}")
            await ada.get(
                f"{path}?{urlencode(ask().parameters | {'id_token_hint': hint, 'request_uri': wanted['request_uri']})}"
            )
            await ada.get(path, headers={"Authorization": f"Bearer {hint}"})
    assertion = {
        "client_assertion": hint,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    await ada.redeem(ask(), "x", **(assertion | {"client_id": wanted["client_id"]}))
    await ada.post("/sign-in/google", ask().parameters | wanted)
    await ada.get(f"/callback/google?{urlencode(wanted | {'code': 'x'})}")

    assert listener.calls == []
    assert [upstream.provider.requests.total() for upstream in (world.google, world.corp)] == calls


async def test_what_a_provider_says_of_a_person_is_not_fetched(
    template: Template, tmp_path: Path, listener: Listener
) -> None:
    """G14-01: a picture is an address to be kept, if anything; the browser's policy keeps pages from loading it too."""
    async with staged(template, tmp_path, FakeOpenIdProvider, keep=("email", "picture", "name")) as (world, fake):
        claims = {name: f"{listener.url}/{name}" for name in ("picture", "profile", "website", "jku", "_claim_sources")}
        fake.person |= claims
        fake.bend_header = lambda header: header | {"jku": f"{listener.url}/jku", "x5u": f"{listener.url}/x5u"}
        ada = world.browser()
        answer = await ada.sign_in(registration="twin")
        assert answer.status_code == 303
        for path in ("/account", "/account/data", "/account/connections"):
            page = await ada.get(path)
            assert f'src="{listener.url}' not in page.text

    assert listener.calls == []


@pytest.fixture
async def closed_world(template: Template, tmp_path: Path) -> AsyncIterator[World]:
    """A broker as in production, which may call no private address; its Providers are at one."""
    async with open_world(template, tmp_path, allow_private_addresses=()) as world:
        yield world


async def test_a_private_address_is_not_called_unless_an_operator_says_so(closed_world: World) -> None:
    """G14-01: refused where the socket would be connected; the person is told to try another way."""
    ada = closed_world.browser()

    answer = await ada.post("/sign-in/google")

    assert (answer.status_code, await closed_world.reason()) == (503, "provider_misconfigured")
    assert closed_world.google.provider.requests.total() == 0
    assert ada.cookie("attempt") is None
    assert "address is not one that may be called" in closed_world.watch.log.text


POSTS = sorted({path for _, path, methods, *_ in TABLE if "POST" in methods})


async def flood(
    world: World, path: str, headers: list[tuple[bytes, bytes]], chunk: bytes, chunks: int
) -> tuple[int, int]:
    """Post a body of so many chunks; the status, and how many chunks were taken."""
    taken, answered = 0, 0
    form = (b"content-type", b"application/x-www-form-urlencoded")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "https",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "client": ("10.1.1.1", 1),
        "server": ("id.example", 443), "headers": [form, (b"sec-fetch-site", b"same-origin"), *headers],
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": chunk, "more_body": taken < chunks}

    async def send(message: Any) -> None:
        nonlocal answered
        if message["type"] == "http.response.start":
            answered = message["status"]

    await world.app(scope, receive, send)
    return answered, taken


def paths_that_take_forms(cookie: str) -> list[tuple[str, list[tuple[bytes, bytes]]]]:
    """Each, with the Session that it needs."""
    header = [(b"cookie", f"__Host-partner_ops_session={cookie}".encode())]
    return [
        (path.replace("{registration}", "google").replace("{connection}", "x").replace("{session}", "x"), header)
        for path in POSTS
    ]


async def test_an_endless_body_is_cut_off(world: World, ada: Browser) -> None:
    """G14-02: a gigabyte is not waited for: 64 KiB are, at every address that takes a form."""
    await ada.sign_in()
    chunk = b"a=" + b"b" * (16 * 1024 - 2)
    for path, cookie in paths_that_take_forms(ada.cookie("session") or ""):
        if path in ("/oauth/userinfo", "/api/v1/me/erase") or path.startswith(GATEWAY_PATHS):  # it is not looked at
            continue
        status, taken = await flood(world, path, cookie, chunk, 65_536)
        assert status == 413, path
        assert taken <= MAX_BODY // len(chunk) + 1, path


@pytest.mark.parametrize(
    "length", [b"65537", b"1073741824", b"9" * 400, b"-1", b"1e3", b"0x10", b"", b" 12", b"12, 12"]
)
async def test_an_announced_length_is_believed(world: World, length: bytes) -> None:
    """G14-02: nothing is read of a body that says it is too long, or not how long."""
    status, taken = await flood(world, "/oauth/token", [(b"content-length", length)], b"a=b", 10)

    assert status == 413
    assert taken <= 1


@pytest.mark.parametrize("fields", [MAX_PARAMETERS + 1, 10_000, 20_000])
async def test_too_many_fields_are_not_parsed(world: World, ada: Browser, fields: int) -> None:
    """G14-02: neither in a form (PYSEC-2026-249) nor in a query."""
    body = b"&".join([b"a=b"] * fields)[:MAX_BODY]
    content = {"Content-Type": "application/x-www-form-urlencoded"} | SAME_ORIGIN

    for path in ("/oauth/token", "/sign-in/google", "/oauth/authorize"):
        assert (await ada.send("POST", path, content=body, headers=content)).status_code == 400
    for path in ("/sign-in", "/oauth/authorize", "/callback/google", "/oauth/end-session"):
        assert (await ada.get(f"{path}?{body[:30_000].decode()}")).status_code == 400


class Hasty(asyncio.SelectorEventLoop):
    """A loop by whose clock an hour passes in less than a second."""

    def time(self) -> float:
        return super().time() * 10_000


def test_a_body_that_trickles_in_is_not_waited_for() -> None:
    """G14-02: ten seconds are a form's time to arrive; then comes a 408."""
    chunks = 0

    async def receive() -> dict[str, Any]:
        nonlocal chunks
        chunks += 1
        if chunks > 3:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": b"a", "more_body": True}

    async def trickle() -> None:
        passing = asyncio.create_task(_pass_time())
        form = [(b"content-type", b"application/x-www-form-urlencoded")]
        with pytest.raises(Refusal) as refused:
            await form_of(Request({"type": "http", "method": "POST", "headers": form}, receive))
        passing.cancel()
        assert STATUSES[refused.value.code] == 408

    with asyncio.Runner(loop_factory=Hasty) as runner:
        runner.run(trickle())
    assert chunks == 4


async def _pass_time() -> None:
    for _ in itertools.count():
        await asyncio.sleep(0)


async def test_as_many_fields_as_a_request_has_are_parsed(world: World, ada: Browser) -> None:
    """G14-02: the bound is far from what is needed."""
    extra = {f"x{number}": "y" for number in range(MAX_PARAMETERS - len(ask().parameters))}

    assert (await ada.get(ask(**extra).url)).headers["Location"].startswith("/sign-in?")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (
            "multipart/form-data; boundary=x",
            b"--x\r\nContent-Disposition: form-data; name=client_id\r\n\r\ndemo-app\r\n--x--",
        ),
        ("application/json", b'{"client_id": "demo-app"}'),
        ("text/plain", b"client_id=demo-app"),
        ("application/x-www-form-urlencoded", b"\xff\xfe=\xff"),
        ("application/x-www-form-urlencoded", b"client_id=%ff%fe"),
        ("application/x-www-form-urlencoded", b"client_id=" + b"(" * 60_000),
        ("", b"client_id=demo-app"),
    ],
)
async def test_what_no_form_sends_is_refused(world: World, ada: Browser, kind: str, body: bytes) -> None:
    """G14-02: cleanly, at every address that takes a form; multipart is not even parsed."""
    await ada.sign_in()
    for path, _ in paths_that_take_forms(""):
        answer = await ada.send("POST", path, content=body, headers=SAME_ORIGIN | {"Content-Type": kind})
        assert 400 <= answer.status_code < 500, path


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "APPLICATION/X-WWW-FORM-URLENCODED; charset=utf-16"]
)
@pytest.mark.parametrize("body", [b"%00=%00&=&&;;", b"\x00c\x00l", b"=", b"&&&&", b"a[]=b&a[b]=c", b"__proto__=x"])
async def test_odd_names_are_unknown_ones(world: World, ada: Browser, kind: str, body: bytes) -> None:
    """G14-02: and so are ignored; whatever a charset claims, forms are UTF-8."""
    await ada.sign_in()
    for path, _ in paths_that_take_forms(""):
        answer = await ada.send("POST", path, content=body, headers=SAME_ORIGIN | {"Content-Type": kind})
        assert answer.status_code < 500, path


@pytest.mark.parametrize(
    "ranges", ["bytes=0-0", "bytes=" + ",".join(f"{n}-{n}" for n in range(2000)), "bytes=-1", "lines=1"]
)
async def test_ranges_are_not_a_thing_here(world: World, ada: Browser, ranges: str) -> None:
    """G14-03: pictures and styles are answered whole, from memory (CVE-2025-62727)."""
    style = (await ada.get("/sign-in")).text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    for path in (style, "/.well-known/jwks.json", "/api/v1/openapi.json"):
        whole = await ada.get(path)
        part = await ada.get(path, headers={"Range": ranges})
        assert (part.status_code, part.content) == (200, whole.content)


def test_no_file_is_served_from_the_disk() -> None:
    """G14-03: no StaticFiles, no FileResponse, in any shipped module."""
    serving_files = [
        told(path) for path in product_modules() if "FileResponse" in text(path) or "StaticFiles" in text(path)
    ]

    assert serving_files == []


@pytest.mark.parametrize(
    "path", ["/assets/../app.py", "/assets/%2e%2e/app.py", "/assets/..%2fapp.py", "/assets//etc/passwd", "/assets/%00"]
)
async def test_no_path_leaves_the_assets(world: World, ada: Browser, path: str) -> None:
    """G14-03: they are a table, not a folder."""
    answer = await ada.http.get(path)

    assert answer.status_code == 404


def slow_to_match(seed: int) -> list[str]:
    """Values that patterns with two ways to match take long over; the same for the same seed."""
    dice = random.Random(seed)
    letters = string.printable + "é\u0130\u2028\U0001f600"
    unit = "".join(dice.choice(letters) for _ in range(dice.randint(1, 6)))
    return [
        unit * (4000 // len(unit)),
        "a" * 4000 + unit,
        ("a." * 2000) + "!",
        "http://127.0.0.1:" + "0" * 3000 + unit,
        "https://" + "a-" * 1500 + unit,
        "x" * 50 + "%" * 3000,
        ".".join(["eyJ" + "A" * 1300] * 3) + unit,
        " " * 4000,
    ]


async def work_of(send: Callable[[], Awaitable[httpx2.Response]]) -> tuple[int, float]:
    """The status, and the seconds of work; what is slow is tried again, as something else may have run meanwhile."""
    least = math.inf
    for _ in range(3):
        began = time.process_time()
        answer = await send()
        least = min(least, time.process_time() - began)
        if least < LONGEST_WORK:
            break
    return answer.status_code, least


@pytest.mark.parametrize("seed", range(12))
async def test_no_value_takes_long(world: World, seed: int) -> None:
    """G14-06: 50 ms of work at most for any request, whatever its values are made to be slow for."""
    names = [
        "redirect_uri",
        "scope",
        "state",
        "prompt",
        "id_token_hint",
        "code_challenge",
        "client_id",
        "max_age",
        "iss",
    ]
    for value in slow_to_match(seed):
        http = world.browser().http
        urls = [
            f"{path}?{urlencode(ask().parameters | {name: value})}"
            for path in ("/oauth/authorize", "/callback/google", "/oauth/end-session")
            for name in (names[seed % len(names)], "code" if path.startswith("/callback") else "redirect_uri")
        ]
        for url in urls:
            status, seconds = await work_of(partial(http.get, url))
            assert status < 500, url[:200]
            assert seconds < LONGEST_WORK, url[:200]
        bearer = {b"Authorization": b"Bearer " + value.encode()[:8000]}
        status, seconds = await work_of(partial(http.get, "/oauth/userinfo", headers=bearer))
        assert status == 401
        assert seconds < LONGEST_WORK


async def test_many_names_are_counted_before_they_are_kept(world: World, ada: Browser) -> None:
    """G14-06: so that names whose hashes are equal are few."""
    names = [f"{a}{b}" for a in string.ascii_letters for b in string.digits]

    status, seconds = await work_of(partial(ada.http.get, f"/oauth/authorize?{'&'.join(f'{n}=x' for n in names)}"))

    assert status == 400
    assert seconds < LONGEST_WORK
