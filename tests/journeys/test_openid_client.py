"""What openid-client does beside signing in: it pushes, refreshes, proves keys, is a device, acts for itself."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from tests.journeys.person import eventually
from tests.world.clock import RunningClock
from tests.world.plain_browser import PlainBrowser
from tests.world.world import World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.requires_node]

AUDIENCE = "https://reports.partner-ops.example"
SECRET = "a-secret-that-the-feed-has"
SCOPE = "openid email offline_access"
CLIENTS = """
[applications.page]
name = "A page, which holds a key and pushes"
type = "public"
redirect_uris = ["{peer}/page/callback"]
audience = "{audience}"
first_party = true
require_pushed_authorization_requests = true
dpop = true

[applications.server]
name = "A server, which takes answers as a form"
type = "confidential"
jwks = {{ file = "server-jwks" }}
redirect_uris = ["{peer}/server/callback"]
audience = "{audience}"
first_party = true
require_pushed_authorization_requests = true

[applications.tv]
name = "A television"
type = "public"
grants = ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"]
audience = "{audience}"

[applications.feed]
name = "A feed"
type = "confidential"
secret = {{ file = "feed-secret" }}
grants = ["client_credentials"]
scopes = ["revocations"]
audience = "{audience}"
"""


class Peer:
    """Applications at the peer, and a browser in which somebody is at them."""

    def __init__(self, url: str, browser: PlainBrowser) -> None:
        self.url = url
        self.browser = browser

    def sign_in(self, path: str) -> dict[str, Any]:
        """Through the demo Provider; what the Application then knows."""
        page = self.browser.submit(self.browser.get(f"{self.url}/{path}/sign-in"), "/sign-in/google")
        return dict(page.json())

    def ask(self, path: str, step: str) -> dict[str, Any]:
        """Have it do something more; what came of it."""
        return dict(self.browser.get(f"{self.url}/{path}/{step}").json())


@pytest.fixture(scope="module")
async def world(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory, peer: str) -> AsyncIterator[World]:
    """For all tests here, at the peer's own time: a proof of possession has to say it to the second."""
    folder = tmp_path_factory.mktemp("openid-client")
    key = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)
    public = {name: value for name, value in key.items() if name in ("kty", "crv", "x", "y")}
    (folder / "server-jwks").write_text(json.dumps({"keys": [public]}))
    (folder / "feed-secret").write_text(SECRET)
    applications: dict[str, dict[str, Any]] = {
        "page": {"method": "none", "push": True, "bound": True},
        "server": {
            "method": "private_key_jwt",
            "client_secret": key,
            "push": True,
            "more": {"response_mode": "form_post"},
        },
        "tv": {"method": "none", "bound": True},
        "feed": {"method": "client_secret_basic", "client_secret": SECRET, "bound": True, "scope": "revocations"},
    }
    defaults = {"audience": AUDIENCE, "scope": SCOPE}
    async with open_world(folder, clock=RunningClock()) as world:
        await world.declare(CLIENTS.format(peer=peer, audience=AUDIENCE))
        world.provider.consent_automatically("ada")
        told = {name: {"client_id": name} | defaults | facts for name, facts in applications.items()}
        httpx2.post(f"{peer}/configure", json={"issuer": world.issuer, "applications": told}).raise_for_status()
        yield world


@pytest.fixture
def at_peer(world: World, peer: str) -> Iterator[Peer]:
    with PlainBrowser() as browser:
        yield Peer(peer, browser)


async def test_a_page_pushes_proves_its_key_and_rotates(at_peer: Peer) -> None:
    """RFC 9126, RFC 9449 with the key named by the push: its tokens are of use with its key alone, and nothing ends."""
    seen = at_peer.sign_in("page")
    bound_to = seen["session"]["cnf"]["jkt"]
    assert (seen["type"], seen["userinfo"]["email"]) == ("dpop", "ada@acme.example")

    for wrong in ("none", "another"):
        assert at_peer.ask("page", f"userinfo?key={wrong}")["failed"]["status"] == 401
    assert at_peer.ask("page", "refresh?key=another")["failed"]["error"] == "invalid_grant"
    assert at_peer.ask("page", "refresh?key=none")["failed"]["error"] == "invalid_request"
    for _ in range(2):
        refreshed = at_peer.ask("page", "refresh")
        assert refreshed["rotated"]
        assert refreshed["session"]["cnf"]["jkt"] == bound_to
        assert refreshed["identity"]["sub"] == seen["identity"]["sub"]


async def test_a_code_of_a_push_with_a_key_is_of_no_use_to_another(at_peer: Peer) -> None:
    """RFC 9449 section 10.1: the push had no `dpop_jkt`, but a proof."""
    page = at_peer.browser.get(f"{at_peer.url}/page/sign-in?key=another")
    failed = at_peer.browser.submit(page, "/sign-in/google").json()["failed"]

    assert (failed["status"], failed["error"]) == (400, "invalid_grant")


async def test_a_server_proves_itself_by_a_key_takes_a_form_and_revokes(at_peer: Peer) -> None:
    """private_key_jwt at the push, at both grants, at introspection and revocation; the code arrives by form_post."""
    page = at_peer.browser.submit(at_peer.browser.get(f"{at_peer.url}/server/sign-in"), "/sign-in/google")
    seen = at_peer.browser.submit(page, f"{at_peer.url}/server/callback").json()
    assert seen["identity"]["email"] == "ada@acme.example"

    refreshed = at_peer.ask("server", "refresh")
    assert (refreshed["type"], refreshed["rotated"]) == ("bearer", False)
    assert refreshed["session"]["jti"] != seen["session"]["jti"]
    assert at_peer.ask("server", "revoke") == {"before": True, "after": False}
    assert at_peer.ask("server", "refresh")["failed"]["error"] == "invalid_grant"


async def test_a_device_asks_until_it_is_let_in(at_peer: Peer, world: World) -> None:
    """RFC 8628, with a key: it is told to wait, a person allows it, and what it then has is bound and refreshes."""
    begun = at_peer.ask("tv", "device")

    async def has_asked() -> bool:
        return bool(await world.rows("SELECT id FROM device_requests WHERE last_polled_at IS NOT NULL"))

    await eventually(has_asked)
    world.clock.advance(begun["interval"])
    browser = at_peer.browser
    page = browser.submit(browser.get(begun["verification_uri_complete"]), "/sign-in/google")
    page = browser.submit(page, "/device", user_code=begun["user_code"])
    browser.submit(page, "/device/answer", decision="allow")

    seen = at_peer.ask("tv", "device-tokens")
    assert (seen["session"]["client_id"], seen["identity"]["email"]) == ("tv", "ada@acme.example")
    refreshed = at_peer.ask("tv", "refresh")
    assert refreshed["rotated"]
    assert refreshed["session"]["cnf"] == seen["session"]["cnf"]


async def test_software_acts_for_itself(at_peer: Peer) -> None:
    """client_credentials, with a key: a session JWT of its own, and neither of the other tokens."""
    told = at_peer.ask("feed", "for-itself")

    assert told["session"]["sub"] == told["session"]["client_id"] == "feed"
    assert (told["session"]["scope"], told["refresh"], told["identity"]) == ("revocations", None, None)
    assert "jkt" in told["session"]["cnf"]
