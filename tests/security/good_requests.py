"""For every route of the table a request that is granted, to be bent in every way.

Whoever adds a route adds its good request here; a test holds that none is missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.security.browser import SAME_ORIGIN, Ask, Browser, ask
from tests.security.template import SECRETS
from tests.security.world import World

Pairs = list[tuple[str, str]]


@dataclass(kw_only=True)
class Good:
    """A request in parts. `needed`: parameters without which it is refused. `asks`: a page may ask first."""

    method: str = "GET"
    path: str
    query: Pairs = field(default_factory=list)
    form: Pairs | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    needed: frozenset[str] = frozenset()
    asks: bool = False


Build = Callable[[World, Browser], Awaitable[Good]]
AUTHORIZE_NEEDS = frozenset(
    {"client_id", "redirect_uri", "response_type", "scope", "code_challenge", "code_challenge_method"}
)


def _cookies(browser: Browser) -> dict[str, str]:
    return {cookie.name: cookie.value or "" for cookie in browser.http.cookies.jar}


async def _signed_in(world: World, browser: Browser) -> dict[str, str]:
    if browser.cookie("session") is None or not await browser.is_signed_in():
        browser.http.cookies.clear()
        # Who signs in again while Google is still being told of the last goodbye is signed out again by that.
        for _ in range(1000):
            if not await world.rows("SELECT id FROM pending_revocations WHERE result = 'pending'"):
                break
            await asyncio.sleep(0.01)
        await browser.sign_in()
    return _cookies(browser)


def _bearer(path: str) -> Build:
    async def build(world: World, browser: Browser) -> Good:
        await _signed_in(world, browser)
        tokens = await browser.tokens_for(ask())
        return Good(path=path, headers={"Authorization": f"Bearer {tokens['access_token']}"})

    return build


def _preflight(path: str) -> Build:
    async def build(world: World, browser: Browser) -> Good:
        return Good(method="OPTIONS", path=path, headers={"Origin": "https://app.example"})

    return build


def _page(path: str) -> Build:
    async def build(world: World, browser: Browser) -> Good:
        return Good(path=path, cookies=await _signed_in(world, browser))

    return build


def _open(path: str) -> Build:
    async def build(world: World, browser: Browser) -> Good:
        return Good(path=path)

    return build


def _asks(path: str, application: str, *, needs: frozenset[str] = AUTHORIZE_NEEDS) -> Build:
    async def build(world: World, browser: Browser) -> Good:
        query = list(
            ask(application, prompt="consent", max_age="9999", login_hint="ada", organization="acme").parameters.items()
        )
        return Good(path=path, query=query, cookies=await _signed_in(world, browser), needed=needs)

    return build


def _deed(path: str, form: Callable[[], Pairs] = list, *, needs: frozenset[str] = frozenset()) -> Build:
    async def build(world: World, browser: Browser) -> Good:
        cookies = await _signed_in(world, browser)
        session = (await world.rows("SELECT id FROM sessions WHERE ended_at IS NULL"))[0]["id"]
        connection = (await world.rows("SELECT id FROM connections WHERE revoked_at IS NULL"))[0]["id"]
        where = path.replace("{session}", session).replace("{connection}", connection)
        pairs = [("csrf", await browser.csrf()), *form()]
        return Good(
            method="POST", path=where, form=pairs, headers=dict(SAME_ORIGIN), cookies=cookies, needed=needs | {"csrf"}
        )

    return build


async def _token(world: World, browser: Browser) -> Good:
    await _signed_in(world, browser)
    request: Ask = ask("reports")
    form = [
        ("grant_type", "authorization_code"),
        ("client_id", "reports"),
        ("client_secret", SECRETS["reports"]),
        ("code", await browser.code_for(request)),
        ("redirect_uri", request.parameters["redirect_uri"]),
        ("code_verifier", request.verifier),
    ]
    return Good(method="POST", path="/oauth/token", form=form, needed=frozenset(name for name, _ in form))


def _about_token(path: str) -> Build:
    async def build(world: World, browser: Browser) -> Good:
        await _signed_in(world, browser)
        tokens = await browser.tokens_for(ask("reports", scope="openid offline_access"))
        form = [("client_id", "reports"), ("client_secret", SECRETS["reports"]), ("token", tokens["refresh_token"])]
        needed = frozenset(name for name, _ in form)
        return Good(method="POST", path=path, form=[*form, ("token_type_hint", "refresh_token")], needed=needed)

    return build


async def _revocations(world: World, browser: Browser) -> Good:
    world.app.end_streams()  # type: ignore[attr-defined] # a stream that begins then ends when it has caught up
    form = [("grant_type", "client_credentials"), ("scope", "revocations")]
    form += [("client_id", "feed"), ("client_secret", SECRETS["feed"])]
    answer = await browser.post("/oauth/token", form)
    return Good(path="/api/v1/revocations", headers={"Authorization": f"Bearer {answer.json()['access_token']}"})


async def _callback(world: World, browser: Browser) -> Good:
    parts = urlsplit(await browser.trip())
    needed = frozenset({"state", "code", "iss"})
    return Good(path=parts.path, query=parse_qsl(parts.query), cookies=_cookies(browser), needed=needed)


async def _begin(world: World, browser: Browser) -> Good:
    form = list(ask(prompt="login", max_age="60", organization="acme").parameters.items())
    return Good(method="POST", path="/sign-in/google", form=form, headers=dict(SAME_ORIGIN), needed=AUTHORIZE_NEEDS)


async def _end_session(world: World, browser: Browser) -> Good:
    cookies = await _signed_in(world, browser)
    tokens = await browser.tokens_for(ask())
    query = {"id_token_hint": tokens["id_token"], "client_id": "demo-app", "state": "x"}
    query |= {"post_logout_redirect_uri": "https://app.example/"}
    return Good(path="/oauth/end-session", query=list(query.items()), cookies=cookies, asks=True)


async def _disconnect_page(world: World, browser: Browser) -> Good:
    good = await _deed("/account/connections/{connection}/disconnect")(world, browser)
    return Good(path=good.path, cookies=good.cookies)


def _decision() -> Pairs:
    return [*ask("crm", organization="acme").parameters.items(), ("decision", "allow")]


GOOD: dict[str, Build] = {
    "token": _token,
    "revoke": _about_token("/oauth/revoke"),
    "introspect": _about_token("/oauth/introspect"),
    "authorize": _asks("/oauth/authorize", "demo-app"),
    "callback": _callback,
    "sign_in_begin": _begin,
    "userinfo": _bearer("/oauth/userinfo"),
    "token_preflight": _preflight("/oauth/token"),
    "revoke_preflight": _preflight("/oauth/revoke"),
    "userinfo_preflight": _preflight("/oauth/userinfo"),
    "authorizations": _bearer("/api/v1/authorizations"),
    "revocations": _revocations,
    "sign_in": _asks("/sign-in", "demo-app"),
    "consent": _asks("/oauth/consent", "crm"),
    "consent_decision": _deed("/oauth/consent", _decision, needs=AUTHORIZE_NEEDS),
    "end_session": _end_session,
    "account": _page("/account"),
    "connections": _page("/account/connections"),
    "connect": _deed("/account/connections/corp"),
    "disconnect_page": _disconnect_page,
    "disconnect": _deed("/account/connections/{connection}/disconnect"),
    "sessions": _page("/account/sessions"),
    "end_other_sessions": _deed("/account/sessions/end-others"),
    "end_one_session": _deed("/account/sessions/{session}/end"),
    "data": _page("/account/data"),
    "sign_out": _deed("/account/sign-out"),
    "home": _open("/"),
    "privacy": _open("/privacy"),
    "terms": _open("/terms"),
    "openapi": _open("/api/v1/openapi.json"),
    "healthz": _open("/healthz"),
    "readyz": _open("/readyz"),
    "metrics": _open("/metrics"),
}


def url_of(good: Good) -> str:
    """Path and query."""
    return f"{good.path}?{urlencode(good.query)}" if good.query else good.path
