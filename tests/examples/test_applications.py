"""The examples for developers, against the running broker: an Application, and services in Python and JavaScript."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import jwt
import pytest
from httpx2 import AsyncClient

from tests.docs.reading import EXAMPLES
from tests.examples import files
from tests.servers.node import PEERS, run_node
from tests.world.world import World, open_world

pytestmark = pytest.mark.anyio

AUDIENCE, REPORTS = "https://api.partner-ops.example", "https://reports.partner-ops.example"
CONFIDENTIAL = """
[applications.reports]
name = "Reports"
type = "confidential"
secret = { file = "reports-secret" }
redirect_uris = ["https://reports.partner-ops.example/callback"]
audience = "https://reports.partner-ops.example"
first_party = true
"""
SECRET = "a secret: with + all % kinds of characters"
SERVICE = """\
import { Broker, may } from './session_jwt.mjs'
const { issuer, audience, token } = JSON.parse(process.argv[2])
try {
  const claims = await new Broker(issuer, audience).claims(token)
  const can = (client, right) => may(claims, client, right)
  console.log(JSON.stringify({ claims, acme: can('acme', 'reports:read'), other: can('acme', 'reports:write') }))
} catch (refused) {
  console.log(JSON.stringify({ refused: refused.code }))
}
"""


@pytest.fixture
async def browser() -> AsyncIterator[AsyncClient]:
    """Ada's."""
    async with AsyncClient() as browser:
        yield browser


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as world:
        (tmp_path / "reports-secret").write_text(SECRET)
        await world.declare(CONFIDENTIAL)
        world.provider.consent_automatically("ada")
        yield world


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedIn:
    """Ada in the example Application."""

    application: Any
    claims: dict[str, Any]
    tokens: dict[str, str]


async def sign_in(world: World, browser: AsyncClient, *, confidential: bool = False, **more: str) -> SignedIn:
    """As application.py does it, with a browser in between."""
    name, redirect_uri, secret = "demo-app", f"{world.application}/callback", None
    if confidential:
        name, redirect_uri, secret = "reports", f"{REPORTS}/callback", SECRET
    application = files.module("application").Application(world.issuer, name, redirect_uri, secret)
    url, trip = application.sign_in(**more)
    back = await visit(browser, url, until=application.redirect_uri)
    claims, tokens = application.callback(back, trip)
    return SignedIn(application=application, claims=claims, tokens=tokens)


async def visit(browser: AsyncClient, url: str, *, until: str) -> str:
    """Follow every redirect, choose Google where there is a choice; the address that begins with `until`."""
    while not url.startswith(until):
        answer = await browser.get(url)
        if answer.status_code == 200:
            form = answer.text.partition("<form")[2].partition("</form>")[0]
            hidden = {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form)}
            answer = await browser.post(urljoin(str(answer.url), "/sign-in/google"), data=hidden)
        url = str(answer.headers["location"])
        url = urljoin(str(answer.url), url)
    return url


@pytest.mark.parametrize("confidential", [False, True])
async def test_the_application_signs_ada_in(world: World, browser: AsyncClient, confidential: bool) -> None:
    """Public and confidential: an ID token of its own, and a session JWT that the service accepts."""
    ada = await sign_in(world, browser, confidential=confidential)
    service = files.module("session_jwt")
    claims = service.Broker(world.issuer, REPORTS if confidential else AUDIENCE).claims(ada.tokens["access_token"])

    assert ada.claims["aud"] == ("reports" if confidential else "demo-app")
    assert claims["sub"] == ada.claims["sub"]
    assert service.may(claims, "acme", "reports:read")
    assert not service.may(claims, "acme", "reports:write")
    assert not service.may(claims, "nobody", "reports:read")
    assert ada.application.userinfo(ada.tokens["access_token"])["email"] == "ada@acme.example"


async def test_one_organization_and_no_choice_of_providers(world: World, browser: AsyncClient) -> None:
    """The two parameters that are the broker's own."""
    url, _ = (
        files.module("application")
        .Application(world.issuer, "demo-app", f"{world.application}/callback")
        .sign_in(organization="acme", provider="google")
    )
    departed = await browser.get(url)
    ada = await sign_in(world, browser, organization="acme", provider="google")
    claims = files.module("session_jwt").Broker(world.issuer, AUDIENCE).claims(ada.tokens["access_token"])

    assert departed.headers["location"].startswith(world.provider.issuer)
    assert (claims["org_id"], list(claims["authorizations"])) == ("acme", ["acme"])


async def test_signing_out_ends_it_at_once(world: World, browser: AsyncClient) -> None:
    """The browser comes back to the Application; userinfo says that it is over."""
    ada = await sign_in(world, browser)
    back_to = f"{world.application}/"
    answer = await browser.get(ada.application.sign_out(ada.tokens["id_token"], back_to))

    assert (answer.status_code, answer.headers["location"]) == (303, back_to)
    with pytest.raises(OSError, match="401"):
        ada.application.userinfo(ada.tokens["access_token"])


async def test_who_declines_does_not_get_in(world: World) -> None:
    """The Application is told so, and believes nobody but this browser and this broker."""
    application = files.module("application").Application(world.issuer, "demo-app", f"{world.application}/callback")
    _, trip = application.sign_in()
    told = f"{application.redirect_uri}?error=access_denied&state={trip.state}&iss={world.issuer}"

    with pytest.raises(PermissionError, match="access_denied"):
        application.callback(told, trip)
    with pytest.raises(ValueError, match="this browser"):
        application.callback(told.replace(trip.state, "another"), trip)
    with pytest.raises(ValueError, match="another server"):
        application.callback(told.replace(world.issuer, "https://evil.example"), trip)


def _bent(world: World, ada: SignedIn) -> dict[str, tuple[str, str, str]]:
    """What a service must refuse: (issuer, audience, token) by what is wrong with it."""
    token = ada.tokens["access_token"]
    head, body, signature = token.split(".")
    return {
        "an ID token": (world.issuer, "demo-app", ada.tokens["id_token"]),
        "for another service": (world.issuer, REPORTS, token),
        "changed": (world.issuer, AUDIENCE, f"{head}.{body[:-2]}AA.{signature}"),
        "signed by nobody": (world.issuer, AUDIENCE, jwt.encode({"sub": "ada"}, "", algorithm="none")),
        "of a shared secret": (world.issuer, AUDIENCE, jwt.encode({"sub": "ada"}, "s" * 64, algorithm="HS256")),
    }


async def test_a_service_in_python_refuses_what_it_must(world: World, browser: AsyncClient) -> None:
    """Each of them with PyJWT's own error."""
    ada = await sign_in(world, browser)
    service = files.module("session_jwt")

    for issuer, audience, token in _bent(world, ada).values():
        with pytest.raises(jwt.PyJWTError):
            service.Broker(issuer, audience).claims(token)


@pytest.mark.requires_node
async def test_a_service_in_javascript_decides_alike(world: World, browser: AsyncClient, tmp_path: Path) -> None:
    """The same token accepted, the same ones refused, by another library in another language."""
    (tmp_path / "session_jwt.mjs").write_text((EXAMPLES / "session_jwt.mjs").read_text())
    (tmp_path / "service.mjs").write_text(SERVICE)
    (tmp_path / "node_modules").symlink_to(PEERS / "node_modules")
    ada = await sign_in(world, browser)

    def ask(issuer: str, audience: str, token: str) -> dict[str, Any]:
        given = json.dumps({"issuer": issuer, "audience": audience, "token": token})
        answer: dict[str, Any] = json.loads(run_node(tmp_path / "service.mjs", given))
        return answer

    accepted = ask(world.issuer, AUDIENCE, ada.tokens["access_token"])
    assert (accepted["claims"]["sub"], accepted["acme"], accepted["other"]) == (ada.claims["sub"], True, False)
    for name, bent in _bent(world, ada).items():
        assert "refused" in ask(*bent), name
