"""G05: browsers are sent to what is registered, letter by letter, and nowhere else, on every path."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from broker.domain.manifest import ManifestProblems, parse
from tests.security.browser import REDIRECTS, Browser, answered, ask
from tests.security.template import CLIENTS
from tests.security.trips import bent
from tests.security.world import World

pytestmark = pytest.mark.anyio

REGISTERED = REDIRECTS["demo-app"]
EVIL = "https://evil.example/callback"

# How parsers differ: each is, to some parser, the registered one, its host or its path. None is equal to it.
ALMOST = [
    "", "/", "//", "/callback", "//app.example/callback", "///app.example/callback", "\\\\app.example/callback",
    "https:app.example/callback", "https:/app.example/callback", "https:///app.example/callback",
    "https:\\\\app.example/callback", "http://app.example/callback", "HTTPS://app.example/callback",
    "hTTps://app.example/callback", "https://APP.example/callback", "https://App.Example/callback",
    "https://app.example/Callback", "https://app.example/CALLBACK", "https://app.example/callback/",
    "https://app.example//callback", "https://app.example/./callback", "https://app.example/x/../callback",
    "https://app.example/callback/..", "https://app.example/callback/../evil", "https://app.example/callback/..;/evil",
    "https://app.example/callback;/../evil", "https://app.example/callback/%2e%2e/evil",
    "https://app.example/callback%2f..%2fevil", "https://app.example/%63allback", "https://app.example/callback%00",
    "https://app.example/callback%20", "https://app.example/callback ", " https://app.example/callback",
    "https://app.example/callback\t", "https://app.example/call\tback", "https://app.example/callback\r\nX: y",
    "https://app.example/callback\n", "https://app.example/callback#", "https://app.example/callback#x",
    "https://app.example/callback?", "https://app.example/callback?x=y", "https://app.example/callback&x=y",
    "https://app.example/callback\\", "https://app.example\\callback", "https://app.example/callback;x",
    "https://app.example:443/callback", "https://app.example:/callback", "https://app.example:8443/callback",
    "https://app.example./callback", "https://user@app.example/callback", "https://user:pw@app.example/callback",
    "https://app.example@evil.example/callback", "https://app.example:pw@evil.example/callback",
    "https://evil.example@app.example/callback", "https://evil.example\\@app.example/callback",
    "https://evil.example#@app.example/callback", "https://evil.example?@app.example/callback",
    "https://evil.example/https://app.example/callback", "https://app.example.evil.example/callback",
    "https://evilapp.example/callback", "https://sub.app.example/callback", "https://app\u3002example/callback",
    "https://\uff41pp.example/callback", "https://app.example\u2044callback", "https://xn--pp-1ia.example/callback",
    "https://app.example/c\u0430llback", "https://app.example\u200b/callback", "https://app.example/callback\u0000",
    "https://app.exampl\u0065\u0301/callback", "javascript://app.example/callback%0aalert(1)", "data:text/html,x",
    "https://*.example/callback", "https://app.example/*", "https://[app.example]/callback", "https://0/callback",
    "urn:ietf:wg:oauth:2.0:oob", "postmessage", "null", "https://app.example/callback" + "x" * 3000,
]  # fmt: skip


async def shown(world: World, browser: Browser, url: str, *reasons: str) -> None:
    """Refused with a page that leads nowhere, for one of these reasons."""
    answer = await browser.get(url)

    assert answer.status_code == 400, url
    assert "Location" not in answer.headers
    assert await world.reason() in (reasons or ("invalid_redirect_uri",))


async def test_an_unregistered_target_is_never_redirected_to(world: World, ada: Browser) -> None:
    """G05-01: a page says so, whether or not somebody is signed in (RFC 9700 section 4.1)."""
    await shown(world, ada, ask(redirect_uri=EVIL).url)
    await ada.sign_in()

    await shown(world, ada, ask(redirect_uri=EVIL).url)
    await shown(world, ada, ask(redirect_uri=None).url)
    await shown(world, ada, ask(redirect_uri=REDIRECTS["reports"]).url)


BROKEN: dict[str, dict[str, str | None]] = {
    "response_type": {"response_type": "token"},
    "no response_type": {"response_type": None},
    "hybrid": {"response_type": "code id_token"},
    "no scope": {"scope": None},
    "no openid": {"scope": "email"},
    "no challenge": {"code_challenge": None},
    "plain": {"code_challenge_method": "plain"},
    "bad challenge": {"code_challenge": "x"},
    "prompt": {"prompt": "none login"},
    "unknown prompt": {"prompt": "whatever"},
    "nobody there": {"prompt": "none"},
    "max_age": {"max_age": "x"},
    "organization": {"organization": "a b"},
    "not entitled": {"organization": "nobody"},
    "resource": {"resource": "https://elsewhere.example"},
    "request": {"request": "x.y.z"},
    "request_uri": {"request_uri": EVIL},
    "registration": {"registration": "{}"},
    "response_mode": {"response_mode": "fragment"},
    "long state": {"state": "x" * 5000},
    "odd state": {"state": "\x00"},
}


@pytest.mark.parametrize("name", BROKEN)
async def test_no_error_is_told_to_an_unregistered_target(world: World, ada: Browser, name: str) -> None:
    """G05-02: whatever else is wrong with a request, its target is proven first."""
    for redirect_uri in (EVIL, REGISTERED + "/", REGISTERED + "?x=y", None):
        changes = BROKEN[name] | {"redirect_uri": redirect_uri}
        broken = ask("demo-app", **changes)
        await shown(world, ada, broken.url)
        for path in ("/sign-in", "/oauth/consent"):
            answer = await ada.get(f"{path}?{urlencode(broken.parameters)}")
            assert "evil" not in answer.headers.get("Location", "")
        assert (await ada.post("/sign-in/google", broken.parameters)).status_code == 400


@pytest.mark.parametrize("name", BROKEN)
async def test_every_error_is_told_to_the_registered_target(world: World, ada: Browser, name: str) -> None:
    """G05-02: with the state that was sent, if it could be read, and our issuer (RFC 9207)."""
    await ada.sign_in("stranger")
    changes = BROKEN[name] | ({"prompt": "none login"} if name == "nobody there" else {})
    broken = ask("demo-app", **changes)

    told = answered(await ada.get(broken.url))

    assert told["iss"] == world.settings.issuer
    assert re.fullmatch("[a-z_]+", told["error"])
    assert re.fullmatch(r"[\x20\x21\x23-\x5b\x5d-\x7e]+", told.get("error_description", "-"))  # RFC 6749 appendix A.8
    assert told.get("state") == (None if name in ("long state", "odd state") else broken.parameters["state"])


@pytest.mark.parametrize(
    "client_id", [None, "", "nobody", "demo-app\x00", "a" * 65, "<script>", "demo-app ", "DEMO-APP"]
)
async def test_without_an_application_nothing_is_registered(world: World, ada: Browser, client_id: str | None) -> None:
    """G05-02: an unknown Application has no target."""
    await shown(world, ada, ask(client_id=client_id).url, "unknown_application", "invalid_request")


async def test_what_only_looks_registered_is_not(world: World, ada: Browser) -> None:
    """G05-03: a corpus of spellings that parsers read differently; byte-equal is the only rule."""
    assert len(ALMOST) >= 60
    for uri in ALMOST:
        await shown(world, world.browser(), ask(redirect_uri=uri).url)
    assert (await ada.get(ask().url)).status_code == 303


@pytest.mark.parametrize("uri", [*ALMOST[:4], "javascript:alert(1)", EVIL])
async def test_a_parameter_cannot_be_smuggled_by_repeating_it(world: World, ada: Browser, uri: str) -> None:
    """G05-03: two targets, of which one is registered, are none."""
    for pair in ((REGISTERED, uri), (uri, REGISTERED)):
        query = urlencode([*ask(redirect_uri=None).parameters.items(), *(("redirect_uri", u) for u in pair)])
        await shown(world, ada, f"/oauth/authorize?{query}")


@pytest.mark.parametrize("uri", ["http://127.0.0.1:1/cb", "http://127.0.0.1:51004/cb", "http://127.0.0.1:65535/cb"])
async def test_a_native_application_listens_on_any_port(world: World, ada: Browser, uri: str) -> None:
    """G05-04: of a loopback literal, and only its port differs (RFC 8252 section 7.3)."""
    request = ask("native", redirect_uri=uri)
    code = await ada.code_for(request)

    assert (await ada.redeem(request, code, redirect_uri="http://127.0.0.1/cb")).status_code == 400
    request = ask("native", redirect_uri=uri)
    assert (await ada.redeem(request, await ada.code_for(request))).status_code == 200


@pytest.mark.parametrize(
    "uri",
    [
        *("http://127.0.0.1:0/cb", "http://127.0.0.1:65536/cb", "http://127.0.0.1:/cb", "http://127.0.0.1:080/cb/"),
        *(
            "http://localhost/cb",
            "http://localhost:51004/cb",
            "http://localhost.evil.example/cb",
            "http://127.0.0.2/cb",
        ),
        *("https://127.0.0.1:51004/cb", "http://127.0.0.1:51004/", "http://127.0.0.1:51004/cb?x=y", "http://127.1/cb"),
        *("http://127.0.0.1:51004/cb#x", "http://127.0.0.1:51004@evil.example/cb", "http://evil.example:51004/cb"),
        *("http://[::1]:51004/cb", "http://127.0.0.1.evil.example:51004/cb", "http://127.0.0.1:51004/cb/../evil"),
        *(
            "http://127.0.0.1:5\u0661004/cb",
            "com.example.native:51004/cb",
            "com.example.native://cb",
            "COM.example.native:/cb",
        ),
    ],
)
async def test_only_the_port_of_a_loopback_literal_may_differ(world: World, ada: Browser, uri: str) -> None:
    """G05-04: and only of public Applications: for others a port is part of the target."""
    await shown(world, ada, ask("native", redirect_uri=uri).url)
    await shown(world, ada, ask(redirect_uri=uri).url)


async def test_a_port_counts_where_there_is_a_secret(world: World, ada: Browser) -> None:
    """G05-04: an Application that can keep a secret is no native one, and listens where it said."""
    uri = "http://127.0.0.1/cb"
    await world.declare(clients=CLIENTS.replace("https://crm.example/callback", uri))

    assert (await ada.get(ask("crm", redirect_uri=uri).url)).status_code == 303
    await shown(world, ada, ask("crm", redirect_uri="http://127.0.0.1:51004/cb").url)


def declared(uri: str) -> dict[str, Any]:
    """A clients.toml with one Application that wants this target."""
    app = {"name": "X", "type": "public", "audience": "https://api.example", "redirect_uris": [uri]}
    return {"applications": {"x": app}}


@pytest.mark.parametrize(
    "uri",
    [
        *("JaVaScript:alert(1)", "javascript://app.example/%0aalert(1)", "data:text/html,x", "vbscript:x", "file:///x"),
        *(
            "blob:https://app.example/x",
            "about:blank",
            "ftp://app.example/x",
            "http://app.example/cb",
            "//app.example/cb",
        ),
        *(
            "/cb",
            "app.example/cb",
            "",
            " ",
            "myapp:/cb",
            "x:cb",
            "intent://x#Intent;end",
            "ws://app.example/",
            "mailto:x@y",
        ),
        *("http://127.0.0.1.evil.example/cb", "http://localhost.evil.example/cb", "http://0.0.0.0/cb"),
    ],
)
async def test_a_scheme_that_could_run_or_leak_is_not_registered(uri: str) -> None:
    """G05-05: https, http to a loopback host, or a private scheme in reversed-domain form."""
    with pytest.raises(ManifestProblems):
        parse(declared(uri))


@pytest.mark.parametrize(
    "uri",
    [
        *("https://*.app.example/cb", "https://app.example/*", "https://app.example/.*", "https://app.example/cb*"),
        *(
            "https://app.example/(a|b)",
            "https://app.example/cb#x",
            "https://user@app.example/cb",
            "https://app.example/^cb$",
        ),
        *("https://app.example/a/../cb", "https://app.example\\cb", "https://app.example/cb?code=x", "https://a b/cb"),
    ],
)
async def test_a_pattern_is_not_registered(uri: str) -> None:
    """G05-06: what is compared to the byte holds no wildcard, and a "." matches a dot."""
    with pytest.raises(ManifestProblems):
        parse(declared(uri))


async def test_what_looks_like_a_pattern_is_compared_as_it_stands(world: World, ada: Browser) -> None:
    """G05-06: a "." stands for a dot and a "[a]" for itself."""
    await world.declare(clients=CLIENTS.replace(REGISTERED, "https://app.example/[a-z].x"))

    for uri in ("https://app.example/b.x", "https://app.example/[a-z]xx"):
        await shown(world, ada, ask(redirect_uri=uri).url)


TARGETS = [
    "//evil.example", "/\\evil.example", "/%09/evil.example", "https:evil.example", "https://evil.example",
    "/ok#@evil.example", "\\\\evil.example", "javascript:alert(1)", "/account/../..//evil.example",
    "%2f%2fevil.example",
    "\t//evil.example", "http:/\\evil.example", "/account?next=https://evil.example", "https://id.example@evil.example",
]  # fmt: skip
NAMES = (
    *("return_to", "next", "continue", "continue_to", "redirect", "redirect_to", "redirect_uri", "url", "target", "to"),
    *("target_link_uri", "iss", "login_uri", "back", "ReturnUrl", "post_logout_redirect_uri", "rd", "goto", "dest"),
)


@pytest.mark.parametrize("target", TARGETS)
async def test_no_parameter_decides_where_a_sign_in_ends(world: World, ada: Browser, target: str) -> None:
    """G05-08: one's own account, or the Application that asked; a path handed in is not looked at, at any step."""
    extra = {name: target for name in NAMES if name not in ("redirect_uri", "iss")}
    page = await ada.get(f"/sign-in?{urlencode(extra)}")
    assert page.status_code == 200
    answer = await ada.post("/sign-in/google", extra)
    callback = bent(await ada.visit(answer.headers["Location"]), **extra)

    answer = await ada.get(callback)

    assert answer.headers["Location"] == f"{world.settings.issuer}/account"
    assert "evil" not in page.text


async def test_after_signing_out_only_registered_targets_follow(world: World, ada: Browser) -> None:
    """G05-09: anything else is a page, nobody is signed out, and the confirmation cannot be skipped."""
    tokens = await ada.tokens_for(ask())
    good = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": "https://app.example/", "state": "s&t"}
    bad: list[dict[str, str]] = [
        good | {"post_logout_redirect_uri": uri}
        for uri in (
            EVIL,
            "https://app.example",
            "https://app.example/x",
            "https://app.example/?x=y",
            REGISTERED,
            "",
            " ",
        )
        if uri.strip()
    ]
    bad += [
        {"post_logout_redirect_uri": "https://app.example/"},
        good | {"client_id": "reports"},
        good | {"id_token_hint": tokens["access_token"]},
        good | {"id_token_hint": tokens["id_token"][:-4] + "AAAA"},
        good | {"id_token_hint": "x"},
        good | {"id_token_hint": tokens["id_token"].rsplit(".", 1)[0] + "."},
        {"client_id": "nobody", "post_logout_redirect_uri": "https://app.example/"},
        {"client_id": "reports", "post_logout_redirect_uri": "https://app.example/"},
    ]
    for parameters in bad:
        await shown(world, ada, f"/oauth/end-session?{urlencode(parameters)}", "invalid_logout", "invalid_request")
    assert await ada.is_signed_in()

    answer = await ada.get(f"/oauth/end-session?{urlencode(good)}")
    assert answer.headers["Location"] == "https://app.example/?state=s%26t"
    assert not await ada.is_signed_in()


async def test_a_method_is_never_repeated(world: World, ada: Browser) -> None:
    """G05-10: 303 after every form, so that nothing that was posted is posted on (RFC 9700 section 4.12)."""
    await ada.sign_in()
    request = ask("crm")
    answers = [
        await ada.post("/sign-in/google", request.parameters),
        await ada.press("/account/connections/corp"),
        await ada.press("/oauth/consent", request.parameters | {"decision": "deny"}),
        await ada.press("/oauth/consent", request.parameters | {"decision": "allow"}),
        await ada.send("POST", "/oauth/authorize", form=ask().parameters),
        await world.browser().send("POST", "/oauth/authorize", form=ask().parameters),
        await world.browser().send("POST", "/oauth/end-session", form={"state": "x"}),
    ]

    assert {answer.status_code for answer in answers} == {303}


@pytest.mark.parametrize(
    "path", ["/account/", "/sign-in/", "/sign-in/google/", "/oauth/token/", "/callback/google/", "/account//data"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_slash_too_many_leads_nowhere(world: World, method: str, path: str) -> None:
    """G05-10: not to the address without it by 307, and not to the host that the request names."""
    answer = await world.browser().send(method, path, form={}, headers={"Host": "evil.example"})

    assert answer.status_code == 404


class _Links(HTMLParser):
    """Every address on a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[tuple[str, str, str]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {(tag, name, value or "") for name, value in attrs if name in ("href", "src", "srcset", "action")}


PAGES = [
    "/",
    "/account",
    "/account/connections",
    "/account/sessions",
    "/account/data",
    "/sign-in",
    "/privacy",
    "/terms",
]
PAGES += ["/oauth/authorize", "/oauth/consent", "/oauth/end-session", "/callback/google", "/healthz", "/nowhere"]


@pytest.mark.parametrize("path", PAGES)
async def test_no_address_is_an_open_redirector(world: World, ada: Browser, path: str) -> None:
    """G05-11: every name that ever carried a URL, with every foreign target, signed in or not."""
    await ada.sign_in()
    for target in TARGETS:
        for browser in (ada, world.browser()):
            # The invariants hold every Location against what is registered.
            answer = await browser.get(f"{path}?{urlencode(dict.fromkeys(NAMES, target))}")
            links = _Links()
            links.feed(answer.text)
            foreign = [link for _, _, link in links.found if "evil" in urlsplit(link).netloc or "script" in link]
            assert foreign == []


@pytest.mark.parametrize("host", ["evil.example", "id.example@evil.example", "evil.example:443", "", "localhost"])
async def test_the_host_of_a_request_decides_nothing(world: World, ada: Browser, host: str) -> None:
    """G05-11: addresses are made from the configured issuer, not from `Host` or forwarding headers."""
    headers = {"Host": host, "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example;proto=http"}
    callback = await ada.trip()

    page = await ada.get("/sign-in", headers=headers)
    answer = await ada.get(callback, headers=headers)

    assert answer.headers["Location"] == f"{world.settings.issuer}/account"
    assert "evil" not in page.text


async def test_the_pages_of_a_callback_load_nothing_from_elsewhere(world: World, ada: Browser) -> None:
    """G05-12: a broken state ends on a page of our own: no script, no foreign picture, no referrer, no address kept."""
    callback = bent(await ada.trip(), state="broken")
    answer = await ada.get(callback)

    links = _Links()
    links.feed(answer.text)
    assert {link for tag, name, link in links.found if tag != "a"} == {
        link for _, _, link in links.found if link.startswith("/assets/")
    }
    assert "<script" not in answer.text
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    code = dict(parse_qsl(urlsplit(callback).query))["code"]
    assert code not in answer.text


async def test_a_callback_that_went_well_leaves_no_address_behind(world: World, ada: Browser) -> None:
    """G05-12: the browser is sent on, so that neither code nor state stays in the address bar."""
    answer = await ada.sign_in()

    assert (answer.status_code, answer.headers["Location"]) == (303, f"{world.settings.issuer}/account")


@pytest.mark.parametrize("mode", ["fragment", "web_message", "form_post.jwt", "query.jwt", "x", "QUERY"])
async def test_answers_come_in_the_query_or_are_posted(world: World, ada: Browser, mode: str) -> None:
    """G05-12: other response modes are refused (OWASP ASVS 10.4.12), in the query."""
    answer = await ada.get(ask(response_mode=mode).url)

    assert answered(answer)["error"] == "invalid_request"
    assert "#" not in answer.headers["Location"]
