"""An answer that a page posts to its Application (OAuth 2.0 Form Post Response Mode 1.0), in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from broker.domain.pkce import challenge_of
from tests.journeys.conftest import Somebody
from tests.servers.asgi import serving
from tests.world.world import World

pytestmark = pytest.mark.anyio

_POSTED = """
[applications.posted]
name = "Posted"
type = "public"
redirect_uris = ["{url}/callback"]
audience = "https://api.partner-ops.example"
first_party = true
"""

Bodies = list[dict[str, list[str]]]


@pytest.fixture
def bodies() -> Bodies:
    """What the Application was posted."""
    return []


@pytest.fixture
def application(bodies: Bodies) -> Iterator[str]:
    """An Application that takes a post, and leads on to a page of its own."""

    async def callback(request: Request) -> Response:
        bodies.append(parse_qs((await request.body()).decode()))
        return RedirectResponse("/there", status_code=303)

    async def there(_request: Request) -> Response:
        return Response("<!doctype html><title>There</title><h1>There</h1>", media_type="text/html")

    routes = [Route("/callback", callback, methods=["POST"]), Route("/there", there)]
    with serving(Starlette(routes=routes)) as url:
        yield url


@pytest.mark.parametrize("scripts", [True, False], ids=["by itself", "by a button"])
async def test_a_code_arrives_by_a_post(
    world: World, somebody: Somebody, application: str, bodies: Bodies, scripts: bool
) -> None:
    """With scripts nobody has to do anything; without them a button does the same. Nothing breaks the page's policy."""
    await world.declare(_POSTED.format(url=application))
    person = await somebody(java_script_enabled=scripts)
    complaints: list[str] = []
    person.page.on("console", lambda message: complaints.append(f"{message.text} {message.location}"))
    asked = {
        "client_id": "posted",
        "redirect_uri": f"{application}/callback",
        "response_type": "code",
        "response_mode": "form_post",
        "scope": "openid",
        "state": "\"'><b>state</b>&amp;",
        "code_challenge": challenge_of("v" * 43),
        "code_challenge_method": "S256",
    }
    await person.page.goto(f"{world.issuer}/oauth/authorize?{urlencode(asked)}")
    await person.press("Sign in with Google")
    await person.allow()
    if not scripts:
        assert await person.heading() == "Back to the application"
        await person.press("Continue")
    await person.page.wait_for_url(f"{application}/there")

    (body,) = bodies
    assert body == {"code": body["code"], "state": [asked["state"]], "iss": [world.issuer]}
    assert [line for line in complaints if "favicon" not in line] == []
