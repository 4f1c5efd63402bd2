"""The suite as a client of the FAPI 2.0 Security Profile: private_key_jwt, DPoP, pushed requests, PKCE.

There are two, "bank" and "other", each with a key of its own, declared as the profile wants it.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from typing import Any

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from broker.crypto.jwk import public_members
from broker.crypto.signing_keys import PrivateKey
from broker.domain.assertion import TYPE
from tests.conformance.relying_party import PERSON, needs_sign_in, returned
from tests.flows.proofs import Holder
from tests.security.browser import Ask, Browser, ask
from tests.security.world import World

KEYS: dict[str, PrivateKey] = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("bank", "other")}
GOOD: Any = object()
"""For a proof or an assertion: one that holds. None leaves it out."""
MAY_CHANGE = ("taken_attempts",)
"""Also by a refused request: an assertion or a proof of it is used up."""
_APPLICATION = """
[applications.{name}]
name = "{name}"
type = "confidential"
jwks = {{ file = "{name}.jwks" }}
dpop = true
require_pushed_authorization_requests = true
redirect_uris = ["https://app.example/callback"]
audience = "https://{name}.example"
first_party = true
"""
_numbers = itertools.count(1)


async def declared(world: World, **members: dict[str, str]) -> None:
    """Both, by `broker apply`; `members`: another public key than usual, by name."""
    for name, private in KEYS.items():
        key = members.get(name) or public_members(private.public_key())
        (world.folder / f"{name}.jwks").write_text(json.dumps({"keys": [key]}))
    await world.declare("".join(_APPLICATION.format(name=name) for name in KEYS))


def asked(**changes: str | None) -> Ask:
    """The authorize request of "bank"; a parameter changed to None is left out."""
    return ask("demo-app", **({"client_id": "bank", "scope": "openid email"} | changes))


@dataclass(kw_only=True)
class Partner:
    """One of the two, and a person's browser. `holder`: the key that its tokens are bound to."""

    world: World
    browser: Browser
    name: str
    holder: Holder = field(default_factory=Holder)

    def assertion(self, *, by: PrivateKey | None = None, alg: str = "ES256", **changes: Any) -> str:
        """One that holds, with these changes; ... leaves a claim out."""
        now = self.world.clock.now()
        claims = {"iss": self.name, "sub": self.name, "aud": self.world.settings.issuer, "jti": f"a{next(_numbers)}"}
        told = {n: v for n, v in ({**claims, "iat": now, "exp": now + 60} | changes).items() if v is not ...}
        return jwt.PyJWS().encode(json.dumps(told).encode(), by or KEYS[self.name], algorithm=alg)

    def proof(self, path: str = "/oauth/token", **changes: Any) -> str:
        """Of a request to `path` at this moment."""
        return self.holder.proof(url=self.world.settings.issuer + path, now=self.world.clock.now(), **changes)

    async def send(
        self, path: str, form: dict[str, str], *, assertion: str | None = GOOD, proof: str | None = None
    ) -> httpx2.Response:
        """A form, as one of the two may send it."""
        known = self.assertion() if assertion is GOOD else assertion
        form |= {} if known is None else {"client_assertion": known, "client_assertion_type": TYPE}
        headers = {} if proof is None else {"DPoP": proof}
        return await self.browser.send("POST", path, form=form, headers=headers, may_change=MAY_CHANGE)

    async def push(self, request: Ask, *, assertion: str | None = GOOD, proof: str | None = None) -> httpx2.Response:
        """To the endpoint for pushed requests."""
        return await self.send("/oauth/par", dict(request.parameters), assertion=assertion, proof=proof)

    async def pushed(self, request: Ask, *, assertion: str | None = GOOD, proof: str | None = None) -> Ask:
        """What the browser is sent with."""
        answer = await self.push(request, assertion=assertion, proof=proof)
        assert answer.status_code == 201, answer.text
        assert 5 <= answer.json()["expires_in"] < 600  # FAPI 2.0 section 5.3.2.2
        told = {"client_id": self.name, "request_uri": answer.json()["request_uri"]}
        return Ask(application=request.application, parameters=told, verifier=request.verifier)

    async def answer(self, pushed: Ask) -> httpx2.Response:
        """The browser comes with it; whoever has to sign in does. The last answer."""
        answer = await self.browser.get(pushed.url)
        return await self.browser.sign_in(PERSON, request=pushed) if needs_sign_in(answer) else answer

    async def code(self, request: Ask, *, proof: str | None = None) -> str:
        """Pushed, authorized, come back."""
        return returned(await self.answer(await self.pushed(request, proof=proof)), request)["code"]

    async def redeem(
        self,
        request: Ask,
        code: str,
        *,
        assertion: str | None = GOOD,
        proof: str | None = GOOD,
        **changes: str | None,
    ) -> httpx2.Response:
        """To the token endpoint."""
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": "https://app.example/callback",
            "code_verifier": request.verifier,
            **changes,
        }
        present = {name: value for name, value in form.items() if value is not None}
        return await self.send(
            "/oauth/token", present, assertion=assertion, proof=self.proof() if proof is GOOD else proof
        )

    async def tokens(self, request: Ask | None = None) -> dict[str, Any]:
        """The whole flow."""
        request = request or asked()
        answer = await self.redeem(request, await self.code(request))
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    async def userinfo(
        self, token: str, *, proof: str | None = GOOD, scheme: str = "DPoP", **changes: Any
    ) -> httpx2.Response:
        """The resource; with a proof for it, with these changes."""
        good = self.proof("/oauth/userinfo", **({"method": "GET", "token": token} | changes))
        headers = {"Authorization": f"{scheme} {token}"}
        headers |= {} if proof is None else {"DPoP": good if proof is GOOD else proof}
        return await self.browser.get("/oauth/userinfo", headers=headers)


def refused(answer: httpx2.Response, *errors: str) -> bool:
    """Whether it came to nothing, by one of these errors."""
    return answer.status_code in (400, 401) and answer.json()["error"] in errors
