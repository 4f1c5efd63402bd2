"""G10: how Applications prove themselves, and what they may say and learn about tokens."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import asyncpg
import httpx2
import pytest

from tests.security.browser import Browser, ask
from tests.security.template import CLIENTS, SECRETS
from tests.security.test_code_grant import claims_of, invalid_grant
from tests.security.world import World

pytestmark = pytest.mark.anyio

OFFLINE = "openid email offline_access"
ENDPOINTS = ("revoke", "introspect")
NOT_ACTIVE = {"active": False}


async def tokens_of(browser: Browser, application: str = "reports", **changes: str) -> dict[str, Any]:
    """What a sign-in with offline access gave."""
    return await browser.tokens_for(ask(application, scope=OFFLINE, **changes))


def basic(name: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_secret": ""}, 401, "invalid_client"),
        ({"client_secret": None}, 401, "invalid_client"),
        ({"client_id": None}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"client_id": "crm"}, 401, "invalid_client"),
        ({"client_id": "demo-app"}, 401, "invalid_client"),
        ({"token": None}, 400, "invalid_request"),
        ({"token": ""}, 400, "invalid_request"),
    ],
)
async def test_an_application_proves_itself(
    world: World, ada: Browser, endpoint: str, changes: dict[str, str | None], status: int, error: str
) -> None:
    """G10-01: absent, empty, wrong, another's, a public one with a secret; and the token is as good as before."""
    tokens = await tokens_of(ada)
    answer = await ada.about_token(endpoint, **({"token": tokens["refresh_token"], "application": "reports"} | changes))

    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert ("WWW-Authenticate" in answer.headers) is (status == 401)
    assert (await ada.refresh(tokens["refresh_token"], "reports")).status_code == 200


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_two_proofs_are_none(world: World, ada: Browser, endpoint: str) -> None:
    """G10-01: RFC 6749 section 2.3."""
    secret = SECRETS["reports"]
    form = {"client_id": "reports", "client_secret": secret, "token": "x"}
    answer = await ada.send("POST", f"/oauth/{endpoint}", form=form, headers=basic("reports", secret))

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_http_basic_will_do(world: World, ada: Browser, endpoint: str) -> None:
    """RFC 6749 section 2.3.1."""
    headers = basic("reports", SECRETS["reports"])
    answer = await ada.send("POST", f"/oauth/{endpoint}", form={"token": "x"}, headers=headers)

    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")


@pytest.mark.parametrize("hint", [None, "refresh_token", "access_token", "id_token", "anything"])
@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
@pytest.mark.parametrize("application", ["reports", "demo-app"])
async def test_either_token_ends_both(
    world: World, ada: Browser, application: str, kind: str, hint: str | None
) -> None:
    """G10-08: whatever the hint says, which is no more than one (RFC 7009 section 2.1)."""
    tokens, other = await tokens_of(ada, application), await tokens_of(ada, application)
    answer = await ada.about_token("revoke", tokens[kind], application, token_type_hint=hint)

    assert (answer.status_code, answer.content) == (200, b"")
    assert (await ada.userinfo(tokens["access_token"])).status_code == 401
    assert invalid_grant(await ada.refresh(tokens["refresh_token"], application))
    assert (await ada.userinfo(other["access_token"])).status_code == 200


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
@pytest.mark.parametrize("application", ["crm", "native"])
async def test_another_applications_token_is_left_alone(
    world: World, ada: Browser, application: str, kind: str
) -> None:
    """G10-08: and cannot be told from one that is unknown."""
    tokens = await tokens_of(ada)
    before = await world.tables()
    theirs = await ada.about_token("revoke", tokens[kind], application)
    unknown = await ada.about_token("revoke", "x", application)

    assert (theirs.status_code, theirs.content) == (unknown.status_code, unknown.content) == (200, b"")
    assert await world.tables() == before


async def test_a_revocation_that_was_not_stored_is_not_acknowledged(postgres_world: World) -> None:
    """G10-07: reads are answered, the write is not; 503 with Retry-After, never 200."""
    ada = postgres_world.browser()
    tokens = await tokens_of(ada)
    form = {"client_id": "reports", "client_secret": SECRETS["reports"], "token": tokens["refresh_token"]}
    stuck = await asyncpg.connect(postgres_world.settings.database_url)
    async with stuck.transaction():
        await stuck.execute("LOCK TABLE grants IN SHARE MODE")
        answer = await ada.http.post("/oauth/revoke", data=form)  # past the watch: the ledger hears of it no more
    await stuck.close()

    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert (await ada.refresh(tokens["refresh_token"], "reports")).status_code == 200


async def test_after_a_revocation_no_token_comes(any_world: World) -> None:
    """G07-05: refreshes and a revocation at once, at two processes; what came before it is dead too."""
    browser, other = any_world.browser(), await any_world.another()
    for application in ("reports", "demo-app"):
        tokens = await tokens_of(browser, application)
        rivals = [any_world.browser(app=(any_world.app, other)[number % 2]) for number in range(9)]
        token = tokens["refresh_token"]
        with any_world.watch.together():
            answers = await asyncio.gather(
                *(rival.refresh(token, application) for rival in rivals[:4]),
                rivals[8].about_token("revoke", token, application),
                *(rival.refresh(token, application) for rival in rivals[4:8]),
            )
        assert answers.pop(4).status_code == 200
        made = [answer.json()["access_token"] for answer in answers if answer.status_code == 200]
        for session_jwt in (*made, tokens["access_token"]):
            assert (await browser.userinfo(session_jwt)).status_code == 401
        assert invalid_grant(await browser.refresh(token, application))


@pytest.mark.parametrize("origin", ["https://app.example", "https://evil.example"])
async def test_only_the_applications_own_pages_may_read_the_answer(world: World, ada: Browser, origin: str) -> None:
    """CORS: as at the token endpoint."""
    answer = await ada.send(
        "POST", "/oauth/revoke", form={"client_id": "demo-app", "token": "x"}, headers={"Origin": origin}
    )

    assert answer.headers.get("Access-Control-Allow-Origin") == (origin if origin == "https://app.example" else None)
    assert answer.headers["Vary"] == "Origin"


@pytest.mark.parametrize("hint", [None, "refresh_token", "access_token", "anything"])
@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
async def test_an_application_learns_of_its_own_token(world: World, ada: Browser, kind: str, hint: str | None) -> None:
    """RFC 7662: and after the revocation, at once, that it is over; at the other process too (G10-06)."""
    tokens = await tokens_of(ada)
    other = world.browser(app=await world.another())
    told = (await ada.about_token("introspect", tokens[kind], "reports", token_type_hint=hint)).json()

    assert (told["active"], told["client_id"], told["scope"]) == (True, "reports", OFFLINE)
    assert (told["iss"], "email" in told) == (world.settings.issuer, False)
    assert told.get("aud") == ("https://reports.example" if kind == "access_token" else None)
    assert (await ada.about_token("revoke", tokens["refresh_token"], "reports")).status_code == 200
    for browser in (ada, other):
        assert (await browser.about_token("introspect", tokens[kind], "reports")).json() == NOT_ACTIVE


@pytest.mark.parametrize("accept", ["application/token-introspection+jwt", "*/*"])
@pytest.mark.parametrize("kind", ["refresh_token", "access_token", "id_token"])
async def test_nobody_else_learns_anything(world: World, ada: Browser, kind: str, accept: str) -> None:
    """G10-05: exactly this, whatever was asked for; an unknown token is answered alike."""
    tokens = await tokens_of(ada, "demo-app")
    form = {"client_id": "crm", "client_secret": SECRETS["crm"]}
    for token in (tokens[kind], "x"):
        answer = await ada.send("POST", "/oauth/introspect", form=form | {"token": token}, headers={"Accept": accept})
        assert (answer.status_code, answer.json()) == (200, NOT_ACTIVE)
        assert answer.headers["Content-Type"] == "application/json"


async def test_the_service_that_a_token_is_for_may_ask(world: World, ada: Browser) -> None:
    """G10-05, the other way round: its `audience` is the token's; the refresh token is none of its business."""
    await world.declare(_SERVICE, clients=CLIENTS)
    tokens = await tokens_of(ada, "demo-app")
    as_service = {"client_secret": SECRETS["crm"]}

    told = (await ada.about_token("introspect", tokens["access_token"], "service", **as_service)).json()
    assert (told["active"], told["aud"]) == (True, "https://api.example")
    answer = await ada.about_token("introspect", tokens["refresh_token"], "service", **as_service)
    assert answer.json() == NOT_ACTIVE


_SERVICE = """
[applications.service]
name = "The service"
type = "confidential"
secret = { file = "crm" }
grants = ["client_credentials"]
audience = "https://api.example"
"""


async def test_introspection_writes_nothing(world: World, ada: Browser) -> None:
    """Also of a refresh token that was used up, which would end its Grant if it were used."""
    first = await tokens_of(ada)
    before = await world.tables()
    for token in (*first.values(), "x"):
        await ada.about_token("introspect", str(token), "reports")

    assert await world.tables() == before


_ROBOT = """
[applications.robot]
name = "Robot"
type = "confidential"
secret = { file = "reports" }
grants = ["client_credentials"]
audience = "https://robot.example"
scopes = ["revocations"]
"""


async def own_token(browser: Browser, **changes: str | None) -> httpx2.Response:
    """The robot asks for a token for itself; a parameter changed to None is left out."""
    form: dict[str, str | None] = {
        "grant_type": "client_credentials",
        "client_id": "robot",
        "client_secret": SECRETS["reports"],
        **changes,
    }
    return await browser.send(
        "POST", "/oauth/token", form={name: value for name, value in form.items() if value is not None}
    )


async def test_an_application_gets_a_token_for_itself(world: World, ada: Browser) -> None:
    """RFC 6749 section 4.4.3: no refresh token, no ID token; nothing is written, whoever it is."""
    await world.declare(_ROBOT)
    before = await world.tables()
    answer = await own_token(ada, scope="revocations")

    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    told = answer.json()
    assert told.keys() == {"access_token", "token_type", "expires_in", "scope"}
    claims = claims_of(told["access_token"])
    assert (claims["sub"], claims["client_id"], claims["aud"]) == ("robot", "robot", "https://robot.example")
    assert not {"sid", "auth_time", "authorizations", "email"} & claims.keys()
    assert "scope" not in (await own_token(ada)).json()
    assert await world.tables() == before


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": None}, 401, "invalid_client"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"scope": "openid"}, 400, "invalid_scope"),
        ({"scope": "revocations openid"}, 400, "invalid_scope"),
        ({"resource": "https://other.example"}, 400, "invalid_target"),
        ({"client_id": "reports"}, 400, "unauthorized_client"),
        ({"client_id": "demo-app", "client_secret": None}, 400, "unauthorized_client"),
    ],
)
async def test_it_gets_no_other(
    world: World, ada: Browser, changes: dict[str, str | None], status: int, error: str
) -> None:
    """RFC 6749 section 5.2."""
    await world.declare(_ROBOT)
    answer = await own_token(ada, **changes)

    assert (answer.status_code, answer.json()["error"]) == (status, error)


@pytest.mark.parametrize("path", ["/oauth/userinfo", "/api/v1/authorizations"])
async def test_no_user_is_behind_it(world: World, ada: Browser, path: str) -> None:
    """RFC 6750 section 3.1: what is asked for takes a sign-in. Nor does it open anybody's pages."""
    await world.declare(_ROBOT)
    token = (await own_token(ada, scope="revocations")).json()["access_token"]
    answer = await ada.get(path, headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 403
    assert 'error="insufficient_scope", scope="openid"' in answer.headers["WWW-Authenticate"]


async def test_it_is_over_with_its_registration(world: World, ada: Browser) -> None:
    """Introspection knows at once."""
    await world.declare(_ROBOT)
    token = (await own_token(ada, scope="revocations")).json()["access_token"]
    as_robot = {"client_secret": SECRETS["reports"]}
    assert (await ada.about_token("introspect", token, "robot", **as_robot)).json()["active"]
    answer = await ada.about_token("revoke", token, "robot", **as_robot)
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_token_type")

    await world.declare(_ROBOT.replace('scopes = ["revocations"]', ""))
    assert (await ada.about_token("introspect", token, "robot", **as_robot)).json() == NOT_ACTIVE
