"""oauth4webapi, which checks each answer to the letter of its RFC, walks through all that there is for Applications."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers.node import PEERS, converse
from tests.world.clock import RunningClock
from tests.world.plain_browser import PlainBrowser
from tests.world.world import World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.requires_node]

AUDIENCE = "https://reports.partner-ops.example"
SECRET = "what:a+server&may%20read/wrongly=~|"
CLIENTS = """
[applications.server]
name = "A server"
type = "confidential"
secret = {{ file = "server-secret" }}
redirect_uris = ["{own}/server/callback"]
post_logout_redirect_uris = ["{own}/server/bye"]
audience = "{audience}"
first_party = true

[applications.page]
name = "A page"
type = "public"
redirect_uris = ["{own}/page/callback"]
audience = "{audience}"
first_party = true

[applications.tv]
name = "A television"
type = "public"
grants = ["urn:ietf:params:oauth:grant-type:device_code"]
audience = "{audience}"
"""
AUTHORIZATIONS = {"acme": ["invoices:read", "reports:read"], "globex": ["reports:read"]}


@pytest.fixture
async def world(tmp_path: Path, own: str) -> AsyncIterator[World]:
    async with open_world(tmp_path, clock=RunningClock()) as world:
        (tmp_path / "server-secret").write_text(SECRET)
        await world.declare(CLIENTS.format(own=own, audience=AUDIENCE))
        world.provider.consent_automatically("ada")
        yield world


async def test_oauth4webapi_finds_nothing_wrong(world: World, own: str) -> None:
    """It refuses whatever is not as its RFC says; what it saw is told here, an Application at a time."""
    with PlainBrowser() as browser:

        def person(told: dict[str, Any]) -> str:
            """Ada goes where she is sent, and tells where she ended."""
            page = browser.get(told.get("signIn") or told.get("at") or told["go"])
            if "/sign-in" in str(page.url):
                page = browser.submit(page, "/sign-in/google")
            if "allow" in told:
                page = browser.submit(page, "/device", user_code=told["allow"])
                page = browser.submit(page, "/device/answer", decision="allow")
            return str(page.url)

        told = {"issuer": world.issuer, "audience": AUDIENCE, "own": own, "secret": SECRET}
        done = converse(PEERS / "walk.mjs", json.dumps(told), person)

    _check_the_server(done["server"])
    _check_the_page(done["page"])
    _check_the_device(done["tv"])


def _check_the_server(saw: dict[str, Any]) -> None:
    """Basic, RFC 9126, code with PKCE, RFC 9068, userinfo, RFC 7662, refresh, RFC 7009, end session."""
    session = saw["session"]
    assert (saw["type"], session["client_id"], session["authorizations"]) == ("bearer", "server", AUTHORIZATIONS)
    assert saw["identity"]["sub"] == session["sub"] == saw["userinfo"]["sub"]
    assert saw["userinfo"]["email"] == "ada@acme.example"
    assert {name: saw["active"][name] for name in ("active", "sub", "jti", "client_id")} == {
        "active": True,
        **{name: session[name] for name in ("sub", "jti", "client_id")},
    }
    assert saw["refreshed"]["jti"] != session["jti"]
    assert saw["keptRefreshToken"]
    assert saw["inactive"] == {"active": False}
    assert saw["refused"] == {"code": "OAUTH_RESPONSE_BODY_ERROR", "error": "invalid_grant", "status": 400}
    assert saw["signedOut"]


def _check_the_page(saw: dict[str, Any]) -> None:
    """The same of a public Application that holds a key (RFC 9449), which a downstream service checks too."""
    assert (saw["type"], saw["userinfo"]["email"]) == ("dpop", "ada@acme.example")
    assert saw["session"]["cnf"] == saw["refreshed"]["cnf"] == {"jkt": saw["key"]}
    assert saw["rotated"]
    assert saw["ofAnotherKey"] == {"code": "OAUTH_RESPONSE_BODY_ERROR", "error": "invalid_grant", "status": 400}
    assert saw["withoutKey"] == {"code": "OAUTH_WWW_AUTHENTICATE_CHALLENGE", "status": 401}


def _check_the_device(saw: dict[str, Any]) -> None:
    """RFC 8628: it waits, it is let in, and its code is used up."""
    assert saw["early"] == {"code": "OAUTH_RESPONSE_BODY_ERROR", "error": "authorization_pending", "status": 400}
    assert (saw["session"]["client_id"], saw["session"]["authorizations"]) == ("tv", AUTHORIZATIONS)
    assert saw["again"] == {"code": "OAUTH_RESPONSE_BODY_ERROR", "error": "invalid_grant", "status": 400}
