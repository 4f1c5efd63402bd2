"""Broker processes side by side at one database, and services that verify what they sign; time is the test's.

Keys, seals, signatures and published documents are the product's own. A verifier knows what any OpenID Connect library
does: it keeps the published keys for as long as `Cache-Control` lets it, and asks no sooner.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

import jwt

from broker.crypto.current_keys import CurrentKeys
from broker.crypto.signing import JwtSigner
from broker.crypto.signing_keys import generate_signing_key
from broker.crypto.vault import LocalVault
from broker.flows.keys.ensure import ensure_signing_key
from broker.flows.keys.rotate import rotate
from broker.flows.signing_key import KeyTools
from broker.flows.store import Store
from broker.web.surface import Published
from broker.web.wellknown import JWKS_PATH, published
from tests.fakes.clock import SettableClock
from tests.flows.world import KEYRING

ISSUER, AUDIENCE = "https://id.example", "https://api.example"
LIFE = 300


class Replica:
    """One process: what it signs, and what it publishes. `reload` is what it does every few seconds."""

    def __init__(self, name: str, store: Store, clock: SettableClock) -> None:
        self.name = name
        vault = LocalVault(KEYRING)
        self.tools = KeyTools(store=store, vault=vault, clock=clock, generate=generate_signing_key)
        self.signer = JwtSigner(ISSUER)
        self.current = CurrentKeys(self.signer, store, vault, self.publish)
        self.documents: dict[str, Published] = {}

    async def start(self) -> None:
        """There is a key, and it is known."""
        await ensure_signing_key(self.tools, algorithm="ES256", writes=True)
        await self.reload()

    def publish(self) -> None:
        self.documents = published(ISSUER, self.signer.jwks(), self.signer.algorithms)

    async def reload(self) -> None:
        await self.current.reload()

    async def rotate(self, age: int) -> int:
        """What is due, by a process that nobody holds up."""
        return await rotate(self.tools, algorithm="ES256", age=age, holder=self.name)

    def token(self) -> str:
        """A session JWT, made now."""
        now = self.tools.clock.now()
        return self.signer.sign({"iss": ISSUER, "aud": AUDIENCE, "exp": now + LIFE, "iat": now}, typ="at+jwt")

    def signs_with(self) -> str:
        """The key of the next token."""
        return str(jwt.get_unverified_header(self.token())["kid"])

    def kids(self) -> list[str]:
        """What it publishes."""
        return [key["kid"] for key in json.loads(self.documents[JWKS_PATH].body)["keys"]]


@dataclass(kw_only=True)
class Verifier:
    """A downstream service; each one may have asked at another moment."""

    clock: SettableClock
    asked_at: int = -(10**9)
    max_age: int = 0
    keys: dict[str, dict[str, str]] = field(default_factory=dict)
    parsed: dict[str, jwt.PyJWK] = field(default_factory=dict)

    def verify(self, token: str, at: Replica) -> None:
        """Raise unless the token is good by the keys it has; they come from `at`, when the old ones have expired."""
        now = self.clock.now()
        if now >= self.asked_at + self.max_age:
            document = at.documents[JWKS_PATH]
            (age,) = re.findall(r"max-age=(\d+)", dict(document.headers)[b"cache-control"].decode())
            self.asked_at, self.max_age = now, int(age)
            self.keys = {key["kid"]: key for key in json.loads(document.body)["keys"]}
        kid = jwt.get_unverified_header(token)["kid"]
        if kid not in self.keys:
            raise UnknownKey(kid)
        key = self.parsed.setdefault(kid, jwt.PyJWK(self.keys[kid]))
        # PyJWT has a clock of its own, which is not the test's: it looks at the signature alone.
        claims = json.loads(jwt.PyJWS().decode(token, key, algorithms=["ES256"]))
        assert (claims["iss"], claims["aud"], now < claims["exp"]) == (ISSUER, AUDIENCE, True)


class UnknownKey(Exception):
    """The published keys that the verifier has do not hold this one."""
