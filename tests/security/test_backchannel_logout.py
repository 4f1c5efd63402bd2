"""G12-06, G12-07: sign-outs that Providers tell the broker of, and that the broker tells Applications of."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest

from broker.domain.changes import EndSession, RetryLogout
from broker.domain.ids import ApplicationId, RegistrationId, SessionId, UserId
from tests.security.browser import Browser, ask
from tests.security.logout_tokens import DELETED, EVENT, LOGOUT, Endpoints, endpoints, logout_token, until
from tests.security.template import Template
from tests.security.world import World, open_world, registration
from tests.servers.port import reserve

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def worker_endpoints() -> Iterator[Endpoints]:
    """Of this module."""
    with endpoints() as made:
        yield made


@pytest.fixture
def applications(worker_endpoints: Endpoints) -> Iterator[Endpoints]:
    """As they are when nothing has happened."""
    for state in (worker_endpoints.tokens, worker_endpoints.statuses, worker_endpoints.hanging):
        state.clear()
    worker_endpoints.release.clear()
    yield worker_endpoints
    worker_endpoints.release.set()


async def rows(world: World) -> list[dict[str, Any]]:
    """What is to be told, by Application."""
    return list(await world.rows("SELECT * FROM pending_logouts ORDER BY application_id, about"))


async def settled(world: World) -> bool:
    """Whether nothing waits any more."""
    return all(row["result"] != "pending" for row in await rows(world))


async def verified(world: World, token: str, application: str) -> dict[str, Any]:
    """As an Application verifies it: by the published keys (Back-Channel Logout 1.0 section 2.6)."""
    keys = jwt.PyJWKSet.from_dict((await world.browser().get("/.well-known/jwks.json")).json())
    header = jwt.get_unverified_header(token)
    assert header["typ"] == "logout+jwt"
    options: Any = {"verify_exp": False, "verify_iat": False}  # the test's clock is another
    claims: dict[str, Any] = jwt.decode(
        token, keys[header["kid"]], [header["alg"]], audience=application, issuer=world.settings.issuer, options=options
    )
    return claims


async def test_a_sign_out_in_one_process_is_told_once(any_world: World, applications: Endpoints) -> None:
    """G12-07: of two processes; nobody is told who has no tokens of that Session, or did not ask to be told."""
    world = any_world
    await applications.declare(world, "reports", "native")
    another = await world.another()
    ada, elsewhere = world.browser(), world.browser(app=another)
    tokens = await ada.tokens_for(ask("reports"))
    await ada.tokens_for(ask("reports"))
    await ada.tokens_for(ask("demo-app"))
    elsewhere.http.cookies = ada.http.cookies
    session = (await world.rows("SELECT id, user_id FROM sessions"))[0]
    began = time.monotonic()
    await elsewhere.press("/account/sign-out")
    await until(lambda: settled(world))

    assert time.monotonic() - began < 5  # a second or two, on a machine of one's own
    assert list(applications.tokens) == ["reports"]
    (token,) = applications.tokens["reports"]
    claims = await verified(world, token, "reports")
    assert (claims["sid"], claims["sub"]) == (session["id"], session["user_id"])
    assert (claims["events"], "nonce" in claims) == ({EVENT: {}}, False)
    assert claims["sid"] == jwt.decode(tokens["id_token"], options={"verify_signature": False})["sid"]
    (row,) = await rows(world)
    assert (row["result"], row["tries"]) == ("delivered", 1)
    await _is_no_other_token(world, token)


async def _is_no_other_token(world: World, token: str) -> None:
    """G08-01: in none of the places where another kind of token is taken."""
    browser = world.browser()
    assert (await browser.userinfo(token)).status_code == 401
    headers = {"Authorization": f"Bearer {token}"}
    assert (await browser.get("/api/v1/authorizations", headers=headers)).status_code == 401
    assert (await browser.get("/api/v1/revocations", headers=headers)).status_code == 401
    assert (await browser.about_token("introspect", token, "reports")).json() == {"active": False}
    assert (await browser.refresh(token, "reports")).json()["error"] == "invalid_grant"
    hint = urlencode({"id_token_hint": token})
    assert (await browser.get(f"/oauth/end-session?{hint}")).status_code == 400


async def test_applications_that_do_not_answer_delay_nobody(
    world: World, ada: Browser, applications: Endpoints
) -> None:
    """G12-07: one hangs, one fails, one redirects to a cloud's metadata; each is asked again later, and later."""
    await applications.declare(world, "demo-app", "reports", "native")
    applications.hanging.add("demo-app")
    applications.statuses |= {"reports": 500, "native": 307}
    for name in ("demo-app", "reports", "native"):
        await ada.tokens_for(ask(name))
    await ada.press("/account/sign-out")

    async def all_tried() -> bool:
        return len(applications.tokens) == 3 and all(row["tries"] == 1 for row in await rows(world))

    await until(all_tried)
    assert not await ada.is_signed_in()
    assert {(row["result"], row["next_try_at"]) for row in await rows(world)} == {("pending", world.clock.now() + 10)}

    applications.statuses = {"reports": 200, "native": 400}
    world.clock.advance(10)

    async def others_told() -> bool:
        return {row["application_id"]: row["result"] for row in await rows(world)}.items() >= {
            ("native", "refused"),
            ("reports", "delivered"),
        }

    await until(others_told)
    first, second = applications.tokens["reports"]
    assert (await verified(world, first, "reports"))["jti"] != (await verified(world, second, "reports"))["jti"]
    told = [event for event in await world.store.events(20) if event.action == "session.tell_application"]
    assert {(event.application_id, event.outcome, event.reason) for event in told} == {
        ("native", "failed", "refused"),
        ("reports", "done", "delivered"),
    }


@pytest.mark.parametrize("claimed", [False, True])
async def test_what_a_dead_process_left_is_told(
    world: World, ada: Browser, applications: Endpoints, claimed: bool
) -> None:
    """G12-07: it was killed after the commit, perhaps while it told the Application; another goes on, or the next."""
    await applications.declare(world, "reports")
    await ada.tokens_for(ask("reports"))
    session = (await world.rows("SELECT id, user_id FROM sessions"))[0]
    ends = EndSession(
        session_id=SessionId(session["id"]), user_id=UserId(session["user_id"]), at=world.clock.now() + 10 * claimed
    )
    await world.store.write(ends)
    if claimed:
        claim = RetryLogout(
            about=session["id"],
            application_id=ApplicationId("reports"),
            expected_tries=0,
            next_try_at=world.clock.now() + 20,
        )
        await world.store.write(claim)
        world.clock.advance(20)
    await until(lambda: settled(world))

    assert len(applications.tokens["reports"]) == 1


async def send(browser: Browser, token: str | None, path: str = LOGOUT) -> tuple[int, str]:
    """The Provider sends a logout token; the status and the error."""
    answer = await browser.send("POST", path, form={} if token is None else {"logout_token": token})
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code, answer.json()["error"] if answer.content else ""


async def test_a_provider_signs_out_whom_it_names(world: World, ada: Browser, applications: Endpoints) -> None:
    """G12-06: at once, everywhere, and Applications are told; nobody else is touched."""
    await applications.declare(world, "reports")
    other, grace = world.browser(), world.browser()
    tokens = await ada.tokens_for(ask("reports"))
    await other.sign_in("ada")
    await grace.sign_in("grace")

    assert await send(world.browser(), logout_token(world.google.provider)) == (200, "")
    assert [await who.is_signed_in() for who in (ada, other, grace)] == [False, False, True]
    assert (await grace.userinfo(tokens["access_token"])).status_code == 401
    await until(lambda: settled(world))
    assert len(applications.tokens["reports"]) == 1
    event = next(event for event in await world.store.events(9) if event.action == "session.end_upstream")
    assert (event.outcome, event.registration) == ("done", "google")


async def test_a_provider_ends_one_session_by_its_name(world: World, ada: Browser) -> None:
    """G12-06: `sid`, alone or with `sub`; it is kept as a keyed hash."""
    other, third = world.browser(), world.browser()
    for browser, sid in ((ada, "upstream-sid-1"), (other, "upstream-sid-2"), (third, "upstream-sid-3")):
        world.google.claims["ada"] = {"sid": sid}
        await browser.sign_in("ada")
    outsider = world.browser()

    assert await send(outsider, logout_token(world.google.provider, sub=DELETED, sid="upstream-sid-1")) == (200, "")
    assert [await who.is_signed_in() for who in (ada, other, third)] == [False, True, True]
    assert await send(outsider, logout_token(world.google.provider, sid="upstream-sid-2")) == (200, "")
    assert [await who.is_signed_in() for who in (ada, other, third)] == [False, False, True]
    assert "upstream-sid" not in repr(await world.tables())


async def test_wrong_logout_tokens_end_nothing(world: World, ada: Browser) -> None:
    """G12-06: each is a 400 in JSON; a good one works once, in every process (CVE-2026-18569)."""
    request = ask()
    tokens = await ada.tokens_for(request)
    google, now = world.google.provider, world.clock.now()
    right = logout_token(google)
    unsigned = right.rpartition(".")[0] + "."
    wrong = {
        "none": None,
        "empty": "",
        "unsigned": unsigned,
        "of another key": logout_token(world.corp.provider, iss=google.issuer),
        "type of a session JWT": logout_token(google, typ="at+jwt"),
        "nonce": logout_token(google, nonce="n"),
        "no events": logout_token(google, events=DELETED),
        "neither sub nor sid": logout_token(google, sub=DELETED),
        "old": logout_token(google, iat=now - 3600, exp=now + 120),
        "expired": logout_token(google, exp=now - 60),
        "for somebody else": logout_token(google, aud="another"),
        "of somebody else": logout_token(google, iss="https://evil.example"),
        "no jti": logout_token(google, jti=DELETED),
        "our own ID token": tokens["id_token"],
    }
    for name, token in wrong.items():
        assert await send(world.browser(), token) == (400, "invalid_request"), name
    assert await send(world.browser(), right, "/callback/corp/logout") == (400, "invalid_request")
    assert (await send(world.browser(), right, "/callback/nowhere/logout"))[0] == 403
    assert await ada.is_signed_in()

    assert await send(world.browser(), right) == (200, "")
    await ada.sign_in("ada")
    another = world.browser(app=await world.another())
    assert await send(another, right) == (400, "invalid_request")
    assert await send(another, logout_token(google, sub="nobody here")) == (200, "")
    assert await ada.is_signed_in()


@pytest.fixture
async def lonely_world(template: Template, tmp_path: Path) -> AsyncIterator[World]:
    """One of its Providers, "away", cannot be reached."""
    place = reserve()
    away = replace(registration("away", template.corp), issuer=place.url)
    place.socket.close()
    async with open_world(template, tmp_path, registrations={RegistrationId("away"): away}) as world:
        yield world


async def test_a_provider_whose_keys_cannot_be_had_may_try_again(lonely_world: World) -> None:
    """G12-06: nothing is known of its token, so it is neither believed nor refused."""
    browser = lonely_world.browser()
    answer = await browser.send(
        "POST", "/callback/away/logout", form={"logout_token": logout_token(lonely_world.corp.provider)}
    )

    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
