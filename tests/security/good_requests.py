"""For every route of the table a request that is granted, to be bent in every way.

Whoever adds a route adds its good request here; a test holds that none is missing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, urlencode, urlsplit

from broker.domain.changes import SetEraseAt, SetUserStatus
from broker.domain.connection import UpstreamTokens
from broker.domain.user import UserStatus
from broker.flows.sign_in.proof import Proof
from tests.security.browser import OPENS_A_PAGE, SAME_ORIGIN, Ask, Browser, ask
from tests.security.device import Device
from tests.security.logout_tokens import LOGOUT, logout_token
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
    body: bytes | None = None
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


def _of_application(path: str, method: str = "POST") -> Build:
    async def build(world: World, browser: Browser) -> Good:
        await _signed_in(world, browser)
        await browser.tokens_for(ask())
        grant = (await world.rows("SELECT id FROM grants ORDER BY created_at DESC"))[0]["id"]
        good = await _deed(path.replace("{grant}", grant))(world, browser)
        return good if method == "POST" else Good(path=good.path, cookies=good.cookies)

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


async def _par(world: World, browser: Browser) -> Good:
    request = ask("reports", prompt="login", max_age="60", organization="acme", response_mode="form_post")
    form = [*request.parameters.items(), ("client_secret", SECRETS["reports"])]
    return Good(method="POST", path="/oauth/par", form=form, needed=AUTHORIZE_NEEDS | {"client_secret"})


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


async def _device_authorization(world: World, browser: Browser) -> Good:
    form = [("client_id", "tv"), ("scope", "openid email"), ("organization", "acme")]
    needed = frozenset({"client_id", "scope"})
    return Good(method="POST", path="/oauth/device_authorization", form=form, needed=needed)


async def _device(world: World, browser: Browser) -> Good:
    cookies = await _signed_in(world, browser)
    return Good(path="/device", query=[("user_code", "WDJB-MJHT")], cookies=cookies)


def _at_device(path: str, *more: tuple[str, str]) -> Build:
    async def build(world: World, browser: Browser) -> Good:
        device = await Device(world.browser()).begin()
        names = frozenset({"user_code", *(name for name, _ in more)})
        return await _deed(path, lambda: [("user_code", device.user_code), *more], needs=names)(world, browser)

    return build


async def _forward_auth(world: World, browser: Browser) -> Good:
    if browser.cookie("gateway") is None:
        await _signed_in(world, browser)
        await browser.get(await browser.to_the_desk())
    return Good(path="/forward-auth/desk", cookies=_cookies(browser))


async def _gateway_sign_out(world: World, browser: Browser) -> Good:
    return Good(method="POST", path="/forward-auth/desk/sign-out", headers=dict(SAME_ORIGIN))


async def _ext_authz(world: World, browser: Browser) -> Good:
    return Good(path="/ext-authz/desk/reports", headers=OPENS_A_PAGE)


async def _gateway_start(world: World, browser: Browser) -> Good:
    query = [("return_to", "/reports?year=2026"), ("organization", "acme")]
    return Good(path="/forward-auth/desk/start", query=query, headers=OPENS_A_PAGE)


async def _gateway_callback(world: World, browser: Browser) -> Good:
    await _signed_in(world, browser)
    parts = urlsplit(await browser.to_the_desk())
    needed = frozenset({"state", "code", "iss"})
    return Good(path=parts.path, query=parse_qsl(parts.query), cookies=_cookies(browser), needed=needed)


def _decision() -> Pairs:
    return [*ask("crm", organization="acme").parameters.items(), ("decision", "allow")]


def _answer_at_the_gate(path: str) -> Build:
    """Of somebody who was asked by a process of the time before nobody is any more."""

    async def build(world: World, browser: Browser) -> Good:
        browser.http.cookies.clear()
        await browser.begin()
        (cookie,) = [c for c in browser.http.cookies.jar if "attempt" in c.name]
        attempt = world.secrets.open_attempt(cookie.value or "")
        assert attempt is not None
        asked = replace(attempt, asked_at=world.clock.now())
        proof = Proof(
            identity_hash=world.secrets.keyed_hash("identity", attempt.id),
            email_hash=None,
            upstream_sid=None,
            profile={},
            tokens=UpstreamTokens(access_token="a-token", refresh_token=None, expires_at=None),
            granted_scopes=frozenset(),
        )
        sealed = json.dumps([asked.id, asked.asked_at, "", proof.to_bytes().decode()]).encode()
        form = [("attempt", cookie.name[-16:]), ("waiting", world.secrets.seal_form("acceptance", sealed))]
        return Good(
            method="POST",
            path=path,
            form=[*form, ("accepted", "yes"), ("adult", "yes"), ("agreed", "news")],
            headers=dict(SAME_ORIGIN),
            cookies={cookie.name: world.secrets.seal_attempt(asked)},
            needed=frozenset({"attempt", "waiting"}),
        )

    return build


async def _provider_logout(world: World, browser: Browser) -> Good:
    await _signed_in(world, browser)
    form = [("logout_token", logout_token(world.google.provider))]
    return Good(method="POST", path=LOGOUT, form=form, needed=frozenset({"logout_token"}))


def _of_name(after: str) -> Build:
    async def build(world: World, browser: Browser) -> Good:
        good = await _deed(f"/account/data/{{connection}}/name{after}")(world, browser)
        return Good(path=good.path, cookies=good.cookies)

    return build


async def _sent_by_script(world: World, browser: Browser, method: str, path: str, body: bytes = b"") -> Good:
    """With the token in a header; a body is a merge patch."""
    good = await _deed(path)(world, browser)
    (_, csrf), *_ = good.form or []
    headers = SAME_ORIGIN | {"X-CSRF-Token": csrf}
    if body:
        headers["Content-Type"] = "application/merge-patch+json"
    return Good(method=method, path=good.path, body=body, headers=headers, cookies=good.cookies)


def _patch(path: str, body: bytes) -> Build:
    async def build(world: World, browser: Browser) -> Good:
        return await _sent_by_script(world, browser, "PATCH", path, body)

    return build


async def _stays(world: World) -> None:
    """Whoever was erased by an earlier request is not leaving any more."""
    for row in await world.rows("SELECT id FROM users WHERE erase_at IS NOT NULL"):
        await world.store.write(
            SetUserStatus(user_id=row["id"], status=UserStatus.ACTIVE, at=world.clock.now()),
            SetEraseAt(user_id=row["id"], erase_at=None),
        )


async def _erase(world: World, browser: Browser) -> Good:
    await _stays(world)
    return await _deed("/account/erase", lambda: [("word", "erase")], needs=frozenset({"word"}))(world, browser)


async def _me_erase(world: World, browser: Browser) -> Good:
    await _stays(world)
    return await _sent_by_script(world, browser, "POST", "/api/v1/me/erase")


GOOD: dict[str, Build] = {
    "token": _token,
    "device_authorization": _device_authorization,
    "device": _device,
    "device_code": _at_device("/device"),
    "device_answer": _at_device("/device/answer", ("decision", "allow")),
    "par": _par,
    "revoke": _about_token("/oauth/revoke"),
    "introspect": _about_token("/oauth/introspect"),
    "authorize": _asks("/oauth/authorize", "demo-app"),
    "callback": _callback,
    "provider_logout": _provider_logout,
    "sign_in_begin": _begin,
    "accept": _answer_at_the_gate("/sign-in/accept"),
    "decline": _answer_at_the_gate("/sign-in/decline"),
    "userinfo": _bearer("/oauth/userinfo"),
    "token_preflight": _preflight("/oauth/token"),
    "par_preflight": _preflight("/oauth/par"),
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
    "end_all_sessions_page": _page("/account/sessions/end-all"),
    "end_all_sessions": _deed("/account/sessions/end-all"),
    "applications": _page("/account/applications"),
    "remove_access_page": _of_application("/account/applications/demo-app/remove", "GET"),
    "remove_access": _of_application("/account/applications/demo-app/remove"),
    "dismiss_warning": _of_application("/account/applications/{grant}/dismiss"),
    "choices": _page("/account/choices"),
    "choose": _deed(
        "/account/choices", lambda: [("subject", "news"), ("agreed", "yes")], needs=frozenset({"subject", "agreed"})
    ),
    "data": _page("/account/data"),
    "data_archive": _deed("/account/data/archive"),
    "correct_page": _of_name(""),
    "correct": _deed("/account/data/{connection}/name", lambda: [("value", "Ada Byron")], needs=frozenset({"value"})),
    "uncorrect": _deed("/account/data/{connection}/name/uncorrect"),
    "erase_page": _page("/account/erase"),
    "erase": _erase,
    "keep": _page("/account/keep"),
    "me": _page("/api/v1/me"),
    "me_erase": _me_erase,
    "me_attribute": _patch("/api/v1/me/connections/{connection}/attributes/name", b'{"value": "Ada Byron"}'),
    "me_choice": _patch("/api/v1/me/choices/news", b'{"agreed": true}'),
    "me_archive": _page("/api/v1/me/archive"),
    "sign_out": _deed("/account/sign-out"),
    "forward_auth": _forward_auth,
    "ext_authz": _ext_authz,
    "gateway_start": _gateway_start,
    "gateway_callback": _gateway_callback,
    "gateway_sign_out": _gateway_sign_out,
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
