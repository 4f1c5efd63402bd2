"""I5, G10-08, G12-04: every way in which a right ends is told to who follows, in ids alone, and to nobody else."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import httpx2
import pytest

from broker.domain.session_token import LIFETIME
from tests.security.browser import Browser, ask
from tests.security.template import CLIENTS, SECRETS
from tests.security.world import World

pytestmark = pytest.mark.anyio

PATH = "/api/v1/revocations"
CLAIMS = {"sid", "sub", "jti", "client_id", "org", "kid"}
ID = re.compile(r"(usr|ses|gnt|tok)_[a-z0-9]{26}(\.tok_[a-z0-9]{26})?|[A-Za-z0-9_-]{43}|[a-z-]{1,64}")


async def token_of(world: World, application: str = "feed", scope: str = "revocations") -> str:
    """What an Application gets for itself."""
    form = {"grant_type": "client_credentials", "client_id": application, "client_secret": SECRETS[application]}
    answer = await world.browser().post("/oauth/token", form | {"scope": scope})
    return str(answer.json()["access_token"])


async def asked(world: World, token: str, **headers: str) -> httpx2.Response:
    return await world.browser().get(PATH, headers={"Authorization": f"Bearer {token}", **headers})


async def told(world: World) -> list[dict[str, Any]]:
    """What is in force, as a follower is told it who begins anew."""
    world.app.end_streams()  # type: ignore[attr-defined] # so that the stream is over then
    answer = await asked(world, await token_of(world))
    assert answer.status_code == 200
    (data,) = re.findall(r"^data: (.*)$", answer.text, re.MULTILINE)
    notices: list[dict[str, Any]] = json.loads(data)["revoked"]
    for notice in notices:
        assert notice.keys() - {"epoch", "before"} == {"claim", "value", "until"}
        assert notice["claim"] in CLAIMS
        assert ID.fullmatch(notice["value"]), notice
    return notices


async def named(world: World) -> list[tuple[str, str]]:
    return sorted((notice["claim"], notice["value"]) for notice in await told(world))


async def ids(world: World, table: str) -> list[str]:
    return sorted(row["id"] for row in await world.rows(f"SELECT id FROM {table}"))


async def test_signing_out_is_told(world: World, ada: Browser) -> None:
    """G12-04: by the id that the Session's tokens carry, and nothing of the person."""
    await ada.sign_in()
    assert await told(world) == []
    await ada.press("/account/sign-out")

    assert await named(world) == [("sid", session) for session in await ids(world, "sessions")]


async def test_ending_other_sessions_is_told_of_each(world: World, ada: Browser) -> None:
    """And not of the one that stays, nor of anybody else's."""
    elsewhere = [world.browser(), world.browser()]
    for browser in (*elsewhere, ada):
        await browser.sign_in()
    await world.browser().sign_in("grace")
    await ada.press("/account/sessions/end-others")
    ended = await world.rows("SELECT id FROM sessions WHERE ended_at IS NOT NULL ORDER BY id")

    assert len(ended) == 2
    assert await named(world) == [("sid", row["id"]) for row in ended]


async def test_disconnecting_is_told_of_each_session(world: World, ada: Browser) -> None:
    """Those that began through the Connection."""
    await ada.sign_in()
    (connection,) = await ids(world, "connections")
    await ada.press(f"/account/connections/{connection}/disconnect")

    assert await named(world) == [("sid", session) for session in await ids(world, "sessions")]


async def test_a_misused_code_is_told(world: World, ada: Browser) -> None:
    """By the Grant, which every token of it carries before the dot."""
    request = ask()
    code = await ada.code_for(request)
    answers = [await ada.redeem(request, code) for _ in range(2)]
    claims = json.loads(_decoded(answers[0].json()["access_token"]))

    assert [answer.status_code for answer in answers] == [200, 400]
    assert await named(world) == [("jti", claims["jti"].partition(".")[0])]


def _decoded(token: str) -> bytes:
    payload = token.split(".")[1]
    return base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))


FEWER = CLIENTS.replace('rights = ["invoices:read", "reports:read"]', 'rights = ["reports:read"]')
NARROWER = CLIENTS.replace('rights = ["invoices:read", "invoices:write", "reports:read"]', 'rights = ["reports:read"]')


@pytest.mark.parametrize("clients", [FEWER, NARROWER.replace("invoices:read", "reports:read")], ids=["given", "had"])
async def test_rights_that_change_are_told_with_an_epoch(world: World, ada: Browser, clients: str) -> None:
    """G11-04: the token from before says a smaller one, the next token says that very one."""
    before = json.loads(_decoded((await ada.tokens_for(ask()))["access_token"]))
    await world.declare(clients=clients)
    notices = await told(world)
    after = json.loads(_decoded((await ada.tokens_for(ask()))["access_token"]))

    assert [(notice["claim"], notice["value"]) for notice in notices] == [("sub", before["sub"])] * len(notices)
    epochs = [notice["epoch"] for notice in notices]
    assert before["epoch"] < min(epochs) <= max(epochs) == after["epoch"]
    assert after["authorizations"]["acme"] == ["reports:read"]


async def test_a_client_that_goes_is_told_of_its_users(world: World, ada: Browser) -> None:
    """G11-04: also to services whose tokens do not name the Client, since they were too many to fit."""
    await ada.sign_in()
    await world.browser().sign_in("grace")
    without_globex = re.sub(r"\[clients\.globex\].*?(?=\[applications)", "", CLIENTS, flags=re.DOTALL)
    await world.declare(clients=without_globex)

    assert await named(world) == [("sub", user) for user in await ids(world, "users")]


async def test_an_application_that_goes_is_told(world: World, ada: Browser) -> None:
    """One that comes under its name later is not meant."""
    await world.declare(clients=re.sub(r"\[applications\.crm\].*?(?=\[applications)", "", CLIENTS, flags=re.DOTALL))
    (notice,) = await told(world)

    assert (notice["claim"], notice["value"]) == ("client_id", "crm")
    assert world.clock.now() <= notice["before"] < notice["until"] - LIFETIME + 1


async def test_a_notice_is_forgotten_when_its_tokens_have_expired(world: World, ada: Browser) -> None:
    """What is in force stays small."""
    await ada.sign_in()
    await ada.press("/account/sign-out")
    (notice,) = await told(world)

    assert notice["until"] >= world.clock.now() + LIFETIME
    world.clock.advance(notice["until"] - world.clock.now())
    assert await told(world) == []


async def test_nobody_follows_without_the_scope(world: World, ada: Browser) -> None:
    """403 for a User's token, whatever scope they ask for, and for an Application's that did not ask."""
    of_ada = await ada.tokens_for(ask(scope="openid revocations"))
    for token in (of_ada["access_token"], await token_of(world, scope="")):
        answer = await asked(world, token)
        assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
        assert 'scope="revocations"' in answer.headers["WWW-Authenticate"]
    answer = await asked(world, of_ada["id_token"])
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


async def test_a_token_that_has_expired_follows_no_more(world: World) -> None:
    """401, and so for none, for one in the query, for one sent twice, and for one whose Application is gone."""
    token = await token_of(world)
    nobody = world.browser()
    assert (await nobody.get(PATH)).status_code == 401
    assert (await nobody.get(f"{PATH}?access_token={token}")).status_code == 401
    twice = [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")]
    assert (await nobody.get(PATH, headers=twice)).status_code == 400
    world.clock.advance(LIFETIME)
    assert (await asked(world, token)).status_code == 401
    token = await token_of(world)
    await world.declare(clients=re.sub(r"\[applications\.feed\].*?(?=\[applications)", "", CLIENTS, flags=re.DOTALL))
    assert (await asked(world, token)).status_code == 401


@pytest.mark.parametrize(
    "last", ["0", "1' OR 1=1 --", "-1", "9" * 18, "9" * 5000, "\u0661", "1\x00", "18446744073709551616"]
)
async def test_no_cursor_does_harm(world: World, ada: Browser, last: str) -> None:
    """G11-09: whatever it is, it is one that is known, or none."""
    await ada.sign_in()
    await ada.press("/account/sign-out")
    world.app.end_streams()  # type: ignore[attr-defined]
    token = await token_of(world)
    header = last.encode("utf-8").decode("latin-1")
    answer = await asked(world, token, **{"Last-Event-ID": header})

    assert answer.status_code == 200
    assert "event: snapshot" in answer.text
