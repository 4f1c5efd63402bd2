"""The suite as a relying party: it asks, follows the browser, fetches tokens with HTTP Basic, and verifies them.

It plays "reports". Where the suite's own requests have no PKCE, these do: the broker demands it of every Application.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx2
import jwt

from tests.security.browser import Ask, Browser, answered
from tests.security.template import SECRETS
from tests.security.world import World

PERSON = "grace"
"""Of whom every attribute that the policy names is released: her one Client narrows nothing."""


@dataclass(frozen=True, kw_only=True)
class RelyingParty:
    """One browser, with one person before it."""

    world: World
    browser: Browser

    async def authorize(self, request: Ask) -> dict[str, str]:
        """What comes back to the redirect URI; whoever has to sign in does."""
        answer = await self.browser.get(request.url)
        if needs_sign_in(answer):
            answer = await self.browser.sign_in(PERSON, request=request)
        return returned(answer, request)

    async def redeem(self, request: Ask, code: str, **changes: str | None) -> httpx2.Response:
        """By client_secret_basic."""
        credentials = f"reports:{quote(SECRETS['reports'], safe='')}"
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": request.parameters["redirect_uri"],
            "code_verifier": request.verifier,
            **changes,
        }
        present = {name: value for name, value in form.items() if value is not None}
        basic = {"Authorization": f"Basic {base64.b64encode(credentials.encode()).decode()}"}
        return await self.browser.send("POST", "/oauth/token", form=present, headers=basic)

    async def tokens(self, request: Ask) -> dict[str, Any]:
        """The whole flow."""
        answer = await self.redeem(request, (await self.authorize(request))["code"])
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    async def claims(self, request: Ask) -> dict[str, Any]:
        """The whole flow; the verified ID token."""
        return await id_token(self.world, self.browser, await self.tokens(request), request, "reports")

    async def userinfo(self, request: Ask) -> dict[str, Any]:
        """The whole flow; what userinfo says."""
        answer = await self.browser.userinfo((await self.tokens(request))["access_token"])
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/json"
        told: dict[str, Any] = answer.json()
        return told


def needs_sign_in(answer: httpx2.Response) -> bool:
    """Whether the person has to sign in."""
    return str(answer.headers.get("Location", "")).startswith("/sign-in")


def returned(answer: httpx2.Response, request: Ask) -> dict[str, str]:
    """What comes back: to the very redirect URI, with the state and the issuer (RFC 9207)."""
    told = answered(answer)
    assert answer.headers["Location"].startswith(request.parameters["redirect_uri"])
    assert told.get("state") == request.parameters.get("state")
    assert told["iss"] == "https://id.example"
    return told


def unsigned(claims: Mapping[str, Any], **header: Any) -> str:
    """A JWT with `alg: none`."""
    return jwt.PyJWS().encode(json.dumps(claims).encode(), "", algorithm="none", headers=header)


async def id_token(
    world: World, browser: Browser, tokens: dict[str, Any], request: Ask, audience: str
) -> dict[str, Any]:
    """The claims, verified as OpenID Connect Core section 3.1.3.7 demands."""
    keys = jwt.PyJWKSet.from_dict((await browser.get("/.well-known/jwks.json")).json())
    header = jwt.get_unverified_header(tokens["id_token"])
    assert header["alg"] in ("ES256", "EdDSA", "RS256")
    claims: dict[str, Any] = jwt.decode(
        tokens["id_token"],
        keys[header["kid"]],
        [header["alg"]],
        audience=audience,
        issuer=world.settings.issuer,
        options={"verify_exp": False, "verify_iat": False},  # the test's clock is another
    )
    now = world.clock.now()
    assert claims["iat"] <= now < claims["exp"]
    assert claims["sub"]
    assert claims.get("nonce") == request.parameters.get("nonce")
    half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode()
    return claims
