"""Authlib's plain OAuth2Session as a confidential Application: by a secret, and by a key."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT, private_key_jwt_sign
from joserfc.jwk import RSAKey

from tests.journeys.person import claims_of
from tests.world.clock import RunningClock
from tests.world.plain_browser import PlainBrowser
from tests.world.world import World, open_world

pytestmark = pytest.mark.anyio

SECRET = "a-secret-which-the-server-has"
KEY = RSAKey.generate_key(2048)
CLIENTS = """
[applications.{method}]
name = "A server"
type = "confidential"
{proof}
redirect_uris = ["{own}/callback"]
audience = "https://reports.partner-ops.example"
first_party = true
"""


class InAMinute(PrivateKeyJWT):
    """Authlib's own is good for an hour, which is longer than the broker takes (docs/reference/clients.md)."""

    def sign(self, auth: Any, token_endpoint: str) -> str:
        """Made anew each time."""
        signed: str = private_key_jwt_sign(
            auth.client_secret, client_id=auth.client_id, token_endpoint=token_endpoint, expires_in=60
        )
        return signed


PROOFS = {
    "client_secret_basic": ('secret = { file = "server-secret" }', SECRET),
    "private_key_jwt": ('jwks = { file = "server-jwks" }', KEY),
}


@pytest.fixture(scope="module")
async def world(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory, own: str) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("authlib")
    (folder / "server-jwks").write_text(json.dumps({"keys": [KEY.as_dict(private=False)]}))
    (folder / "server-secret").write_text(SECRET)
    async with open_world(folder, clock=RunningClock()) as world:
        declared = [CLIENTS.format(method=method, proof=proof, own=own) for method, (proof, _) in PROOFS.items()]
        await world.declare("".join(declared))
        world.provider.consent_automatically("ada")
        yield world


@pytest.mark.parametrize("method", PROOFS)
async def test_authlib_signs_in_refreshes_asks_and_revokes(world: World, own: str, method: str) -> None:
    """It refreshes by itself where a token has ended; what it revoked is not active, and refreshes no more."""
    told: list[dict[str, Any]] = []
    endpoints = {name: f"{world.issuer}/oauth/{name}" for name in ("authorize", "token", "introspect", "revoke")}
    with (
        PlainBrowser() as browser,
        OAuth2Session(
            method,
            PROOFS[method][1],
            token_endpoint_auth_method=method,
            revocation_endpoint_auth_method=method,
            scope="openid email offline_access",
            redirect_uri=f"{own}/callback",
            code_challenge_method="S256",
            token_endpoint=endpoints["token"],
            update_token=lambda token, **_: told.append(token),
        ) as session,
    ):
        session.register_client_auth_method(InAMinute(world.issuer))  # which is `aud`
        verifier = "v" * 64
        url, state = session.create_authorization_url(endpoints["authorize"], code_verifier=verifier)
        came = browser.submit(browser.get(url), "/sign-in/google").url
        token = session.fetch_token(authorization_response=str(came), state=state, code_verifier=verifier)
        assert claims_of(token["id_token"])["aud"] == method

        session.token = token | {"expires_at": 1}
        assert session.get(f"{world.issuer}/oauth/userinfo").json()["email"] == "ada@acme.example"
        (refreshed,) = told
        assert refreshed["access_token"] != token["access_token"]

        def active() -> bool:
            return bool(session.introspect_token(endpoints["introspect"], refreshed["access_token"]).json()["active"])

        assert active()
        revoked = session.revoke_token(endpoints["revoke"], refreshed["refresh_token"])  # type: ignore[no-untyped-call]
        assert revoked.status_code == 200
        assert not active()
        assert session.get(f"{world.issuer}/oauth/userinfo").status_code == 401
