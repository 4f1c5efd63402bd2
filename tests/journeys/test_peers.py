"""The broker among software by other people's hands: oidc-provider before it, openid-client and jose behind it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from playwright.async_api import Browser

from tests.journeys.person import Person, a_person
from tests.servers.node import PEERS, node_peer
from tests.servers.port import reserve
from tests.world.files import CLIENTS, POLICY
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
redirect_uris = ["{url}/{method}/callback"]
post_logout_redirect_uris = ["{url}/{method}/bye"]
audience = "{audience}"
first_party = {first_party}
"""
_PROOFS = {"none": "", "private_key_jwt": 'jwks = { file = "peer-jwks" }'}
ADA = {"email": "ada@acme.example", "email_verified": True, "name": "Ada of Corp", "given_name": "Ada"}
EVE = {"email": "ada@acme.example", "email_verified": False, "name": "Eve"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Among:
    """A person in a world whose Provider `corp` and whose Applications are peers. `corp`, `peer`: their URLs."""

    person: Person
    world: World
    corp: str
    peer: str

    async def sign_in(self, method: str, login: str = "ada") -> dict[str, Any]:
        """Into the peer's Application, through the peer's Provider; what the Application then knows."""
        await self.person.page.goto(f"{self.peer}/{method}/sign-in")
        await self.person.press("Sign in with Corp")
        await self.person.page.get_by_label("Login").fill(login)
        await self.person.press("Allow")
        if method == "none":  # registered as somebody else's software, so the User is asked
            assert await self.person.heading() == "Allow Peer?"
            await self.person.press("Allow")
        return await self.seen()

    async def seen(self) -> dict[str, Any]:
        """What the Application shows."""
        answer: dict[str, Any] = json.loads(await self.person.page.locator("pre").inner_text())
        return answer

    def tokens(self) -> dict[str, int]:
        """How many of the Provider's tokens are alive."""
        alive: dict[str, int] = httpx2.get(f"{self.corp}/peer/tokens").json()
        return alive


@pytest.fixture
async def among(tmp_path: Path, chromium: Browser) -> AsyncIterator[Among]:
    place = reserve("localhost")
    (tmp_path / "corp-secret").write_text(SECRET)
    (tmp_path / "peer-secret").write_text(SECRET)
    key = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)
    public = {name: value for name, value in key.items() if name in ("kty", "crv", "x", "y")}
    (tmp_path / "peer-jwks").write_text(json.dumps({"keys": [public]}))
    with ExitStack() as peers:
        registered = {
            "client_id": "broker:corp",
            "client_secret": SECRET,
            "redirect_uris": [f"{place.url}/callback/corp"],
            "accounts": {"ada": ADA, "eve": EVE},
        }
        corp = peers.enter_context(node_peer(PEERS / "upstream.mjs", json.dumps(registered)))["issuer"]
        applications = {
            "issuer": place.url,
            "applications": {
                method: {
                    "client_id": f"peer.{method}",
                    "client_secret": key if method == "private_key_jwt" else SECRET,
                    "method": method,
                    "audience": AUDIENCE,
                }
                for method in METHODS
            },
        }
        peer = peers.enter_context(node_peer(PEERS / "application.mjs", json.dumps(applications)))["url"]
        async with (
            open_world(
                tmp_path,
                broker_place=place,
                settings=CORP_SETTINGS.format(issuer=corp),
                policy=POLICY + CORP_POLICY,
                clients=CLIENTS + "".join(_application(method, peer) for method in METHODS),
            ) as world,
            a_person(chromium, world) as person,
        ):
            yield Among(person=person, world=world, corp=corp, peer=peer)


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


@pytest.mark.parametrize("method", METHODS)
async def test_independent_software_signs_in_verifies_and_signs_out(among: Among, method: str) -> None:
    """Code, PKCE, state, nonce, issuer, both signatures, userinfo, end session: each by the peer's own rules."""
    seen = await among.sign_in(method)

    assert seen["algorithm"] == "ES256"
    session, identity = seen["session"], seen["identity"]
    assert session["authorizations"] == {"acme": ["invoices:read", "reports:read"], "globex": ["reports:read"]}
    assert session["client_id"] == f"peer.{method}"
    assert (identity["sub"], identity["sid"]) == (session["sub"], session["sid"])
    assert identity["email"] == session["email"] == "ada@acme.example"
    assert seen["userinfo"] == {"sub": session["sub"], "email": "ada@acme.example"}

    await among.person.follow("Sign out")
    assert await among.seen() == {"bye": "the-state"}
    assert not await among.person.is_signed_in()


@pytest.mark.parametrize("method", METHODS)
async def test_independent_software_revokes_and_is_told(among: Among, method: str) -> None:
    """RFC 7009, and RFC 7662 for whoever can prove itself; afterwards the token opens nothing."""
    await among.sign_in(method)
    await among.person.page.goto(f"{among.peer}/{method}/revoke")
    told = {"before": "not asked", "after": "not asked"} if method == "none" else {"before": True, "after": False}
    assert await among.seen() == told

    await among.person.page.goto(f"{among.peer}/{method}/userinfo")
    assert (await among.seen())["failed"]["status"] == 401


async def test_an_independent_provider_is_told_and_ends_its_tokens(among: Among) -> None:
    """Disconnecting kills what oidc-provider had issued; the Application's session JWT is worth nothing any more."""
    await among.sign_in("client_secret_basic")
    assert among.tokens() == {"access": 1, "refresh": 1}
    await among.person.open("connections")
    await among.person.follow("Disconnect Corp")
    await among.person.press("Disconnect Corp")

    assert "Disconnected here, and Corp has been told." in await among.person.text()
    assert among.tokens() == {"access": 0, "refresh": 0}
    await among.person.page.goto(f"{among.peer}/client_secret_basic/userinfo")
    assert (await among.seen())["failed"]["status"] == 401


async def test_the_account_shows_what_an_independent_provider_told(among: Among) -> None:
    """Of its userinfo the policy keeps two attributes."""
    await among.sign_in("client_secret_post")
    await among.person.open("connections")

    kept = [await row.locator("td").first.inner_text() for row in await among.person.page.locator("tbody tr").all()]
    assert kept == ["ada@acme.example", "Ada of Corp"]


async def test_an_address_that_the_provider_did_not_verify_takes_no_invitation(among: Among) -> None:
    """Eve says that she is Ada; she gets an account of her own and no Client."""
    eve = await among.sign_in("client_secret_basic", login="eve")

    assert eve["session"]["authorizations"] == {}
    assert await among.world.rows("SELECT user_id FROM authorizations WHERE user_id IS NOT NULL") == []


async def test_independent_software_is_told_that_the_person_declined(among: Among) -> None:
    """At the Provider: the error is passed on, and nobody is stored."""
    await among.person.page.goto(f"{among.peer}/client_secret_basic/sign-in")
    await among.person.press("Sign in with Corp")
    await among.person.press("Deny")

    assert (await among.seen())["failed"]["error"] == "access_denied"
    assert await among.world.count("users") == 0


async def test_independent_software_is_told_that_the_user_did_not_consent(among: Among) -> None:
    """At the broker's own page."""
    await among.person.page.goto(f"{among.peer}/none/sign-in")
    await among.person.press("Sign in with Corp")
    await among.person.page.get_by_label("Login").fill("ada")
    await among.person.press("Allow")
    await among.person.press("Do not allow")

    assert (await among.seen())["failed"]["error"] == "access_denied"
    assert await among.world.count("consents") == 0


async def test_a_wrong_secret_is_refused_in_words_that_software_understands(among: Among) -> None:
    """Status 401, with the challenge that RFC 6749 section 5.2 asks for."""
    (among.world.folder / "peer-secret").write_text("quite another secret")
    await among.world.declare("")

    seen = await among.sign_in("client_secret_basic")
    assert seen["failed"] == {"code": "OAUTH_WWW_AUTHENTICATE_CHALLENGE", "status": 401}
