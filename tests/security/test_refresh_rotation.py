"""G07: refresh tokens: one chain for each sign-in, whoever asks, however often, whatever goes down meanwhile."""

from __future__ import annotations

import asyncio
import os
import time
from functools import partial
from typing import Any

import httpx2
import pytest

from broker.domain.changes import RevokeGrant, SetUserStatus
from broker.domain.grant import REFRESH_LIFETIME
from broker.domain.ids import GrantId, UserId
from broker.domain.refresh_token import IDLE_LIFETIME, REPLAY_WITHIN
from broker.domain.user import UserStatus
from tests.security.browser import Browser, answered, ask, until_served
from tests.security.template import CLIENTS, SECRETS
from tests.security.test_code_grant import claims_of, invalid_grant
from tests.security.world import World

pytestmark = pytest.mark.anyio

OFFLINE = "openid email offline_access"
ROUNDS = int(os.environ.get("BROKER_REFRESH_ROUNDS", "1000"))
SECONDS, AT_LEAST = 7.0, 5
"""So long, or so many rounds, unless the environment says how many."""


async def tokens_of(browser: Browser, application: str = "demo-app", **changes: str) -> dict[str, Any]:
    """What a sign-in with offline access gave."""
    tokens = await browser.tokens_for(ask(application, scope=OFFLINE, **changes))
    assert set(tokens) == {"access_token", "token_type", "expires_in", "scope", "id_token", "refresh_token"}
    return tokens


def grant_of(token: str) -> GrantId:
    return GrantId(token.split(".", maxsplit=1)[0])


async def next_of(browser: Browser, token: str, application: str = "demo-app") -> str:
    """The refresh token that this one gives."""
    answer = await browser.refresh(token, application)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["refresh_token"])


async def test_a_refresh_gives_what_a_code_gives(world: World, ada: Browser) -> None:
    """The rule itself, so that the cases below fail for their own reason."""
    first = await tokens_of(ada)
    world.clock.advance(600)
    answer = await ada.refresh(first["refresh_token"])

    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    again = answer.json()
    assert set(again) == set(first)
    assert again["refresh_token"] != first["refresh_token"]
    before, after = claims_of(first["access_token"]), claims_of(again["access_token"])
    assert after["jti"] != before["jti"]
    assert {n: v for n, v in after.items() if n not in ("jti", "iat", "exp")} == {
        n: v for n, v in before.items() if n not in ("jti", "iat", "exp")
    }
    assert (await ada.userinfo(again["access_token"])).status_code == 200


async def test_reuse_ends_the_family(world: World, ada: Browser) -> None:
    """G07-01: the successor is dead, and so is every session JWT; the ledger and the log say why."""
    first = await tokens_of(ada)
    second = (await ada.refresh(first["refresh_token"])).json()
    world.clock.advance(REPLAY_WITHIN)

    assert invalid_grant(await ada.refresh(first["refresh_token"]))

    assert invalid_grant(await ada.refresh(second["refresh_token"]))
    for tokens in (first, second):
        assert (await ada.userinfo(tokens["access_token"])).status_code == 401
    alarms = [event for event in await world.store.events(20) if event.reason == "refresh_reused"]
    assert [event.object_id for event in alarms] == [grant_of(first["refresh_token"])]


async def test_the_user_is_told_of_reuse(world: World, ada: Browser, mallory: Browser) -> None:
    """G07-01: on their first page and in full among their applications, until they say that they have read it."""
    token = (await tokens_of(ada))["refresh_token"]
    await next_of(ada, token)
    world.clock.advance(REPLAY_WITHIN)
    assert invalid_grant(await mallory.refresh(token))
    told = "Somebody used an old key of <bdi>Demo</bdi>"

    assert told.replace("<bdi>", "").replace("</bdi>", "") in (await ada.get("/account")).text
    assert told in (await ada.get("/account/applications")).text
    grace = world.browser()
    await grace.sign_in("grace")
    dismiss = f"/account/applications/{grant_of(token)}/dismiss"
    await grace.press(dismiss)  # hers it is not
    assert told in (await ada.get("/account/applications")).text

    await ada.press(dismiss)
    assert "old key" not in (await ada.get("/account")).text + (await ada.get("/account/applications")).text
    assert [event.action for event in await world.store.events(1)] == ["access.dismiss_warning"]


async def test_reuse_ends_one_family_only(world: World, ada: Browser) -> None:
    """G07-01: the same User's other sign-ins to the same Application go on."""
    stolen, other = await tokens_of(ada), await tokens_of(ada)
    await next_of(ada, stolen["refresh_token"])
    world.clock.advance(REPLAY_WITHIN)
    assert invalid_grant(await ada.refresh(stolen["refresh_token"]))

    assert (await ada.refresh(other["refresh_token"])).status_code == 200


async def test_one_chain_however_many_ask_at_once(any_world: World) -> None:
    """G07-02: sixty-four at two processes, for many rounds: each time the same successor for all, and one head."""
    browser = any_world.browser()
    token = (await tokens_of(browser))["refresh_token"]
    other = await any_world.another()
    rivals = [any_world.browser(app=(any_world.app, other)[number % 2]) for number in range(64)]
    ends = time.monotonic() + SECONDS
    for generation in range(1, ROUNDS + 1):
        if generation > AT_LEAST and time.monotonic() > ends and "BROKER_REFRESH_ROUNDS" not in os.environ:
            break
        any_world.clock.advance(60)
        with any_world.watch.together():
            answers = await asyncio.gather(*(until_served(partial(rival.refresh, token)) for rival in rivals))
        assert {answer.status_code for answer in answers} == {200}
        (token,) = {answer.json()["refresh_token"] for answer in answers}
        grants = await any_world.rows("SELECT generation, revoked_at FROM grants")
        assert [tuple(grant.values()) for grant in grants] == [(generation, None)]


async def test_a_restart_forgets_nothing(any_world: World) -> None:
    """G07-04: another process, which has never seen these tokens, knows them and those that were used up."""
    browser = any_world.browser()
    old = (await tokens_of(browser))["refresh_token"]
    newest = await next_of(browser, old)
    any_world.clock.advance(REPLAY_WITHIN)
    fresh = any_world.browser(app=await any_world.another())

    assert await next_of(fresh, newest)
    assert invalid_grant(await fresh.refresh(old))


@pytest.mark.parametrize("rounds", [8])
async def test_after_a_revocation_nothing_comes(any_world: World, rounds: int) -> None:
    """G07-05, G07-06: refreshes and a revocation at once: whatever they answered, all of it is dead afterwards."""
    browser = any_world.browser()
    for _ in range(rounds):
        token = (await tokens_of(browser))["refresh_token"]
        revoke = RevokeGrant(grant_id=grant_of(token), reason="test", at=any_world.clock.now())
        with any_world.watch.together():
            refreshing = asyncio.gather(*(any_world.browser().refresh(token) for _ in range(6)))
            await any_world.store.write(revoke)
            answers = await refreshing
        assert {answer.status_code for answer in answers} <= {200, 400}
        for answer in answers:
            if answer.status_code == 200:
                assert invalid_grant(await browser.refresh(answer.json()["refresh_token"]))
                assert (await browser.userinfo(answer.json()["access_token"])).status_code == 401
        assert invalid_grant(await browser.refresh(token))


async def test_a_lost_answer_is_had_again(world: World, ada: Browser) -> None:
    """G07-07: the identical successor, within ten seconds, as often as it takes; then the chain goes on."""
    token = (await tokens_of(ada))["refresh_token"]
    successor = await next_of(ada, token)
    world.clock.advance(REPLAY_WITHIN - 1)

    assert {await next_of(ada, token) for _ in range(5)} == {successor}
    assert await next_of(ada, successor) != successor


@pytest.mark.parametrize("stage", ["newest", "used up"])
@pytest.mark.parametrize(
    ("thief", "secret", "status"),
    [
        ("reports", SECRETS["reports"], 400),
        ("crm", SECRETS["crm"], 400),
        ("native", None, 400),
        ("reports", "wrong-secret", 401),
        ("reports", None, 401),
        ("demo-app", "a-secret", 401),
        ("nobody", None, 401),
        (None, None, 401),
    ],
)
async def test_a_stranger_gets_and_ends_nothing(
    world: World, ada: Browser, mallory: Browser, stage: str, thief: str | None, secret: str | None, status: int
) -> None:
    """G07-08: bound to the Application; another's attempt does not even harm."""
    token = (await tokens_of(ada))["refresh_token"]
    newest = await next_of(ada, token)
    world.clock.advance(REPLAY_WITHIN)

    shown = newest if stage == "newest" else token
    answer = await mallory.refresh(shown, client_id=thief, client_secret=secret)

    assert answer.status_code == status
    assert answer.json()["error"] == ("invalid_grant" if status == 400 else "invalid_client")
    assert (await ada.refresh(newest)).status_code == 200


async def test_who_knows_a_grants_id_ends_nothing(world: World, ada: Browser, mallory: Browser) -> None:
    """G07-08: every session JWT names it; a token that was never issued is just unknown."""
    tokens = await tokens_of(ada)
    grant_id = claims_of(tokens["access_token"])["jti"].split(".")[0]
    await next_of(ada, tokens["refresh_token"])
    newest = await next_of(ada, await next_of(ada, (await tokens_of(ada))["refresh_token"]))
    world.clock.advance(REPLAY_WITHIN)

    for made_up in (f"{grant_id}.0.{'0' * 64}", f"{grant_id}.{newest.split('.', 1)[1]}", grant_id, "0" * 43, "."):
        assert invalid_grant(await mallory.refresh(made_up))
    assert (await world.rows("SELECT count(*) AS n FROM grants WHERE revoked_at IS NOT NULL"))[0]["n"] == 0


async def test_it_ends_however_often_it_is_used(world: World, ada: Browser) -> None:
    """G07-09: thirty days from the sign-in."""
    token = (await tokens_of(ada))["refresh_token"]
    began = world.clock.now()
    while world.clock.now() + 2 * 86400 < began + REFRESH_LIFETIME:
        world.clock.advance(2 * 86400)
        token = await next_of(ada, token)
    world.clock.advance(2 * 86400 + 1)

    assert invalid_grant(await ada.refresh(token))


async def test_it_ends_when_nobody_uses_it(world: World, ada: Browser) -> None:
    """G07-09."""
    token = (await tokens_of(ada))["refresh_token"]
    world.clock.advance(IDLE_LIFETIME)

    assert invalid_grant(await ada.refresh(token))


async def test_a_life_of_a_month_survives_the_upkeep(any_world: World) -> None:
    """G07-09: what is forgotten by the clock is not what a refresh token needs."""
    browser = any_world.browser()
    token = (await tokens_of(browser))["refresh_token"]
    for _ in range(3):
        any_world.clock.advance(7 * 86400)
        await any_world.store.forget_expired(any_world.clock.now())
        token = await next_of(browser, token)
    any_world.clock.advance(REFRESH_LIFETIME)
    await any_world.store.forget_expired(any_world.clock.now())

    assert [await any_world.count(table) for table in ("grants", "sessions")] == [0, 0]


@pytest.mark.parametrize("scope", ["openid email offline_access phone", "profile", "admin", " ", "openid\temail"])
async def test_scopes_never_widen(world: World, ada: Browser, scope: str) -> None:
    """G07-10."""
    token = (await tokens_of(ada))["refresh_token"]
    answer = await ada.refresh(token, scope=scope)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
    assert (await ada.refresh(token, scope="openid")).json()["scope"] == "openid"


async def test_rights_are_read_anew(world: World, ada: Browser) -> None:
    """G07-11: a Client that has withdrawn them is not in the next session JWT."""
    token = (await tokens_of(ada))["refresh_token"]
    narrowed = (await tokens_of(ada, organization="acme"))["refresh_token"]
    await world.declare(clients=CLIENTS.replace('user = "ada@acme.example"', 'user = "eve@acme.example"', 1))

    answer = await ada.refresh(token)
    assert claims_of(answer.json()["access_token"])["authorizations"] == {"globex": ["reports:read"]}
    assert invalid_grant(await ada.refresh(narrowed))


async def test_who_is_switched_off_gets_nothing(world: World, ada: Browser) -> None:
    """G07-12: a User."""
    tokens = await tokens_of(ada)
    user_id = UserId(claims_of(tokens["access_token"])["sub"])
    await world.store.write(SetUserStatus(user_id=user_id, status=UserStatus.SUSPENDED, at=world.clock.now()))

    assert invalid_grant(await ada.refresh(tokens["refresh_token"]))


async def test_an_application_that_is_gone_gets_nothing(world: World, ada: Browser) -> None:
    """G07-12: and one that may not refresh any more."""
    tokens = await tokens_of(ada)
    text = CLIENTS.replace("[applications.demo-app]", '[applications.demo-app]\ngrants = ["authorization_code"]')
    await world.declare(clients=text)
    refused = await ada.refresh(tokens["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "unauthorized_client")

    await world.declare(clients=CLIENTS.replace("[applications.demo-app]", "[applications.other-app]"))
    assert (await ada.refresh(tokens["refresh_token"])).status_code == 401


@pytest.mark.parametrize("application", ["demo-app", "reports"])
async def test_a_provider_that_is_gone_lets_nobody_go_on(world: World, ada: Browser, application: str) -> None:
    """G07-12: whoever signed in by it; by another one they go on, and so do all of them once it is there again."""
    google = (await tokens_of(ada, application))["refresh_token"]
    grace = world.browser()
    request = ask(application, scope=OFFLINE)
    code = answered(await grace.sign_in("grace", "corp", request))["code"]
    corp = (await grace.redeem(request, code)).json()["refresh_token"]
    left = {name: r for name, r in world.settings.registrations.items() if name != "google"}
    smaller = world.browser(app=await world.another(registrations=left))

    assert invalid_grant(await smaller.refresh(google, application))
    assert await next_of(smaller, corp, application)
    assert await next_of(ada, google, application)


@pytest.mark.parametrize(("scope", "told"), [(OFFLINE, True), ("openid email", False)])
async def test_who_is_asked_is_told_that_it_lasts(world: World, ada: Browser, scope: str, told: bool) -> None:
    """A third-party Application that wants to go on while the person is away says so on the consent page."""
    await ada.sign_in()
    page = await ada.get((await ada.get(ask("crm", scope=scope).url)).headers["Location"])

    assert ("It may keep using this while you are away" in page.text) is told


async def test_nothing_of_it_is_stored(world: World, ada: Browser) -> None:
    """G07-13: neither the token nor anything that it could be told by; the invariants search for it, too."""
    token = (await tokens_of(ada))["refresh_token"]
    newest = await next_of(ada, token)
    rows = repr(await world.tables())

    for proof in (token.split(".")[2], newest.split(".")[2]):
        assert proof not in rows
        assert proof[:16] not in rows


async def test_a_confidential_applications_token_stays_the_same(world: World, ada: Browser) -> None:
    """G07-15: what is stolen of it is nothing without the secret."""
    token = (await tokens_of(ada, "reports"))["refresh_token"]
    for _ in range(2):
        world.clock.advance(REPLAY_WITHIN)
        assert await next_of(ada, token, "reports") == token


@pytest.mark.parametrize("missing", ["refresh_token", "grant_type"])
async def test_what_is_missing_is_said(world: World, ada: Browser, missing: str) -> None:
    """RFC 6749 section 5.2."""
    token = (await tokens_of(ada))["refresh_token"]
    for value in (None, ""):
        changes: dict[str, Any] = {missing: value}
        answer = await ada.refresh(token, **changes)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("twice", ["refresh_token", "grant_type", "client_id", "scope"])
async def test_what_is_sent_twice_is_refused(world: World, ada: Browser, twice: str) -> None:
    """RFC 6749 section 3.2."""
    token = (await tokens_of(ada))["refresh_token"]
    form = [("grant_type", "refresh_token"), ("client_id", "demo-app"), ("refresh_token", token), ("scope", "openid")]
    doubled: list[tuple[str, str]] = [*form, *((n, v) for n, v in form if n == twice)]
    answer: httpx2.Response = await ada.send("POST", "/oauth/token", form=doubled)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
