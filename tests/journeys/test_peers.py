"""The broker among software by other people's hands: oidc-provider before it, openid-client and jose behind it."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from playwright.async_api import Browser

from tests.journeys.person import a_person
from tests.servers.port import reserve
from tests.world.files import CLIENTS, POLICY
from tests.world.plain_browser import PlainBrowser
from tests.world.world import World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.requires_node]

METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt", "none")
SECRET = "what:a+server&may%20read/wrongly=~|"  # all of RFC 6749 appendix A.2 that is encoded somewhere
AUDIENCE = "https://reports.partner-ops.example"

CORP_SETTINGS = """
[registrations.corp]
provider = "oidc"
label = "Corp"
issuer = "{issuer}"
client_id = "broker:corp"
client_secret = {{ file = "corp-secret" }}
trusted_email_domains = ["acme.example"]
"""
CORP_POLICY = """
[corp.keep]
email = "Contact address for Partner Ops notices"
name = "Shown to colleagues in Partner Ops"
[corp.release]
email = "Downstream services address the User in their own audit trails"
"""
APPLICATION = """
[applications."peer.{method}"]
name = "Peer"
type = "{type}"
{secret}
redirect_uris = ["{url}/{method}/callback", "{url}/wrong/callback"]
post_logout_redirect_uris = ["{url}/{method}/bye"]
audience = "{audience}"
first_party = {first_party}
"""
_PROOFS = {"none": "", "private_key_jwt": 'jwks = { file = "peer-jwks" }'}
ACCOUNTS = {
    "ada": {"email": "ada@acme.example", "email_verified": True, "name": "Ada of Corp", "given_name": "Ada"},
    "bob": {"email": "bob@acme.example", "email_verified": True, "name": "Bob"},
    "cyd": {"email": "cyd@acme.example", "email_verified": True, "name": "Cyd"},
    "eve": {"email": "ada@acme.example", "email_verified": False, "name": "Eve"},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Among:
    """Somebody in a world whose Provider `corp` and whose Applications are peers. `corp`, `peer`: their URLs."""

    browser: PlainBrowser
    world: World
    corp: str
    peer: str

    def sign_in(self, path: str, login: str = "ada", *, allow: bool = True) -> dict[str, Any]:
        """Into the peer's Application, through the peer's Provider; what the Application then knows."""
        page = self.browser.submit(self.browser.get(f"{self.peer}/{path}/sign-in"), "/sign-in/corp")
        page = self.browser.submit(page, "", login=login, decision="allow")
        if path == "none":  # registered as somebody else's software, so the User is asked
            assert "Allow Peer?" in page.text
            page = self.browser.submit(page, "/oauth/consent", decision="allow" if allow else "deny")
        return dict(page.json())

    def ask(self, path: str, step: str) -> dict[str, Any]:
        """Have the peer do something more with what it has; what came of it."""
        return dict(self.browser.get(f"{self.peer}/{path}/{step}").json())

    def tokens(self, login: str) -> dict[str, int]:
        """How many of the Provider's tokens of somebody are alive."""
        return dict(httpx2.get(f"{self.corp}/peer/tokens/{login}").json())

    async def stored(self) -> list[int]:
        """How many people there are, and what they did."""
        return [await self.world.count(table) for table in ("users", "connections", "sessions", "consents", "grants")]


@pytest.fixture(scope="module")
async def their_world(
    anyio_backend: str, tmp_path_factory: pytest.TempPathFactory, corp: str, peer: str
) -> AsyncIterator[World]:
    """For all tests here: each has a browser of its own, and counts no more than what it does itself."""
    folder = tmp_path_factory.mktemp("among")
    place = reserve("localhost")
    (folder / "corp-secret").write_text(SECRET)
    (folder / "peer-secret").write_text(SECRET)
    key = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)
    public = {name: value for name, value in key.items() if name in ("kty", "crv", "x", "y")}
    (folder / "peer-jwks").write_text(json.dumps({"keys": [public]}))
    registered = {
        "client_id": "broker:corp",
        "client_secret": SECRET,
        "redirect_uris": [f"{place.url}/callback/corp"],
        "accounts": ACCOUNTS,
    }
    httpx2.post(f"{corp}/peer/configure", json=registered).raise_for_status()
    async with open_world(
        folder,
        broker_place=place,
        settings=CORP_SETTINGS.format(issuer=corp),
        policy=POLICY + CORP_POLICY,
        clients=CLIENTS + "".join(_application(method, peer) for method in METHODS),
    ) as world:
        secrets = {method: key if method == "private_key_jwt" else SECRET for method in METHODS}
        applications = {method: _credentials(method, secret) for method, secret in secrets.items()}
        applications["wrong"] = _credentials("client_secret_basic", "quite another secret")
        told = {"issuer": place.url, "applications": applications}
        httpx2.post(f"{peer}/configure", json=told).raise_for_status()
        yield world


@pytest.fixture
def among(their_world: World, corp: str, peer: str) -> Iterator[Among]:
    with PlainBrowser() as browser:
        yield Among(browser=browser, world=their_world, corp=corp, peer=peer)


def _application(method: str, url: str) -> str:
    public = method == "none"
    return APPLICATION.format(
        method=method,
        url=url,
        audience=AUDIENCE,
        type="public" if public else "confidential",
        secret=_PROOFS.get(method, 'secret = { file = "peer-secret" }'),
        first_party="false" if public else "true",
    )


def _credentials(method: str, secret: object) -> dict[str, object]:
    return {"client_id": f"peer.{method}", "client_secret": secret, "method": method, "audience": AUDIENCE}


@pytest.mark.parametrize("method", METHODS[:-1])
async def test_independent_software_signs_in_asks_revokes_and_signs_out(among: Among, method: str) -> None:
    """Code, PKCE, state, nonce, issuer, signatures, userinfo, RFC 7662 and 7009, end session: by the peer's rules."""
    seen = among.sign_in(method)
    check_what_ada_s_application_knows(seen, method)

    assert among.ask(method, "revoke") == {"before": True, "after": False}
    assert among.ask(method, "userinfo")["failed"]["status"] == 401
    assert among.ask(method, "sign-out") == {"bye": "the-state"}
    assert str(among.browser.get(f"{among.world.issuer}/account").url).startswith(f"{among.world.issuer}/sign-in")


async def test_independent_software_in_a_real_browser(among: Among, chromium: Browser) -> None:
    """A public Application, which the User is asked about and which may revoke, but not ask."""
    async with a_person(chromium, among.world) as person:

        async def seen() -> dict[str, Any]:
            return dict(json.loads(await person.page.locator("pre").inner_text()))

        async def sign_in() -> None:
            await person.page.goto(f"{among.peer}/none/sign-in")
            await person.press("Sign in with Corp")

        await sign_in()
        await person.page.get_by_label("Login").fill("ada")
        await person.press("Allow")
        assert await person.heading() == "Allow Peer?"
        await person.press("Allow")
        check_what_ada_s_application_knows(await seen(), "none")
        await person.page.goto(f"{among.peer}/none/revoke")
        assert await seen() == {"before": "not asked", "after": "not asked"}
        await person.page.goto(f"{among.peer}/none/userinfo")
        assert (await seen())["failed"]["status"] == 401
        await person.follow("Sign out")
        assert await seen() == {"bye": "the-state"}
        assert not await person.is_signed_in()

        await sign_in()  # which corp remembers
        assert (await seen())["identity"]["email"] == "ada@acme.example"
        await person.open("connections")
        kept = [await row.locator("td").first.inner_text() for row in await person.page.locator("tbody tr").all()]
        assert kept == ["ada@acme.example", "Ada of Corp"]


async def test_an_independent_provider_is_told_and_ends_its_tokens(among: Among) -> None:
    """Disconnecting kills what oidc-provider had issued; the Application's session JWT is worth nothing any more."""
    among.sign_in("client_secret_basic", "cyd")
    assert among.tokens("cyd") == {"access": 1, "refresh": 1}
    page = among.browser.get(f"{among.world.issuer}/account/connections")
    (link,) = re.findall(r'href="(/account/connections/[^"]+/disconnect)"', page.text)
    page = among.browser.get(str(page.url.join(link)))
    page = among.browser.submit(page, "/disconnect")

    assert "Disconnected here, and Corp has been told." in page.text
    assert among.tokens("cyd") == {"access": 0, "refresh": 0}
    assert among.ask("client_secret_basic", "userinfo")["failed"]["status"] == 401


async def test_an_address_that_the_provider_did_not_verify_takes_no_invitation(among: Among) -> None:
    """Eve says that she is Ada; she gets an account of her own and no Client."""
    eve = among.sign_in("client_secret_basic", login="eve")["session"]

    assert eve["authorizations"] == {}
    assert await among.world.rows(f"SELECT user_id FROM authorizations WHERE user_id = '{eve['sub']}'") == []


async def test_independent_software_is_told_that_somebody_declined(among: Among) -> None:
    """At the Provider, where nobody is stored; and at the broker's own page, where there is no consent and no code."""
    before = await among.stored()
    page = among.browser.submit(among.browser.get(f"{among.peer}/client_secret_basic/sign-in"), "/sign-in/corp")
    page = among.browser.submit(page, "", login="bob", decision="deny")
    assert page.json()["failed"]["error"] == "access_denied"
    assert await among.stored() == before

    assert among.sign_in("none", "bob", allow=False)["failed"]["error"] == "access_denied"
    assert (await among.stored())[-2:] == before[-2:]


async def test_a_wrong_secret_is_refused_in_words_that_software_understands(among: Among) -> None:
    """Status 401, with the challenge that RFC 6749 section 5.2 asks for."""
    seen = among.sign_in("wrong")
    assert seen["failed"] == {"code": "OAUTH_WWW_AUTHENTICATE_CHALLENGE", "status": 401}


def check_what_ada_s_application_knows(seen: dict[str, Any], method: str) -> None:
    """Both tokens and userinfo, as the peer verified them."""
    assert seen["algorithm"] == "ES256"
    session, identity = seen["session"], seen["identity"]
    assert session["authorizations"] == {"acme": ["invoices:read", "reports:read"], "globex": ["reports:read"]}
    assert session["client_id"] == f"peer.{method}"
    assert (identity["sub"], identity["sid"]) == (session["sub"], session["sid"])
    assert identity["email"] == session["email"] == "ada@acme.example"
    assert seen["userinfo"] == {"sub": session["sub"], "email": "ada@acme.example"}
