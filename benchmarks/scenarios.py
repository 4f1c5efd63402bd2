"""What is measured: one operation of each kind, as one worker does it, with its answer checked every time.

Refuses to count an answer that a real Application would refuse: wrong state, nonce, audience, issuer or signature.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

import jwt

from benchmarks.browser import Browser
from benchmarks.wire import Answer, Broken, Wire

APPLICATION_ID = "bench"
APPLICATION_SECRET = "bench-application-secret"
REDIRECT_URI = "http://127.0.0.1:9999/callback"
"""Nobody listens there: the driver stops when it is sent to it."""
SCOPE = "openid email"
PUBLIC_APPLICATION_ID = "bench-public"
"""Rotates its refresh tokens."""

_CREDENTIALS = base64.b64encode(f"{APPLICATION_ID}:{APPLICATION_SECRET}".encode()).decode()
_PUBLIC_HEADERS = (("Accept", "application/json"),)
_TOKEN_HEADERS: tuple[tuple[str, str], ...] = (
    ("Authorization", f"Basic {_CREDENTIALS}"),
    ("Accept", "application/json"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a system's endpoints are, as it says itself. `jwks` is the key set, for checking signatures."""

    issuer: str
    discovery_url: str
    jwks_url: str
    authorize_url: str
    token_url: str
    jwks: jwt.PyJWKSet | None = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Code:
    """A code that an Application was sent, and what it needs to redeem it."""

    code: str = field(repr=False)
    verifier: str = field(repr=False)
    nonce: str = field(repr=False)


class Worker:
    """One of those who work side by side: a wire, a browser, and the operations."""

    def __init__(self, place: Place, authorize_parameters: Mapping[str, str]) -> None:
        self.place = place
        self.codes: list[Code] = []
        self.refresh_token = ""
        self._extra = dict(authorize_parameters)
        self._wire = Wire()
        self._browser = Browser(self._wire)
        self._signature_checked = False

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    async def read_discovery(self) -> None:
        """One GET of the metadata."""
        await self._read(self.place.discovery_url, b'"token_endpoint"')

    async def read_jwks(self) -> None:
        """One GET of the key set."""
        await self._read(self.place.jwks_url, b'"keys"')

    async def sign_in(self) -> None:
        """Everything from the authorize request to a checked ID token, as a person whom nobody has met."""
        self._browser.forget()
        await self._redeem(await self._obtain_code())

    async def sign_in_again(self) -> None:
        """The same on a live session: no upstream, no page. `prepare_session` comes first."""
        await self._redeem(await self._obtain_code())

    async def redeem_code(self) -> None:
        """The token request alone, with a code that `prepare_codes` has put by."""
        await self._redeem(self.codes.pop())

    async def prepare_session(self) -> None:
        """Sign in once, and stay so."""
        self._browser.forget()
        await self._redeem(await self._obtain_code())

    async def prepare_codes(self, number: int) -> None:
        """Put by `number` codes of one person; they live for a minute."""
        await self.prepare_session()
        self.codes = [await self._obtain_code() for _ in range(number)]

    async def prepare_refresh(self) -> None:
        """Sign in once, for the Application that refreshes."""
        self._browser.forget()
        code = await self._obtain_code(PUBLIC_APPLICATION_ID, f"{SCOPE} offline_access")
        await self._redeem(code, PUBLIC_APPLICATION_ID)

    async def refresh(self) -> None:
        """Rotate the refresh token; the one before it is dead, so each worker has a chain of its own."""
        before = self.refresh_token
        await self._fetch({"grant_type": "refresh_token", "refresh_token": before}, PUBLIC_APPLICATION_ID)
        if self.refresh_token == before:
            raise Broken("the refresh token was not rotated")

    async def _read(self, url: str, sign: bytes) -> None:
        answer = await self._wire.send("GET", url)
        if answer.status != 200 or sign not in answer.body:
            raise Broken(f"status {answer.status} of a document")

    async def _obtain_code(self, application_id: str = APPLICATION_ID, scope: str = SCOPE) -> Code:
        verifier, state, nonce = (secrets.token_urlsafe(32) for _ in range(3))
        asked = {
            "client_id": application_id,
            "redirect_uri": REDIRECT_URI,
            "response_type": "code",
            "scope": scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": _digest(verifier),
            "code_challenge_method": "S256",
            **self._extra,
        }
        arrived = await self._browser.travel(f"{self.place.authorize_url}?{urlencode(asked)}", REDIRECT_URI)
        answer = dict(parse_qsl(arrived.partition("?")[2]))
        if answer.get("state") != state:
            raise Broken("another state")
        if answer.get("iss") != self.place.issuer:
            raise Broken("another issuer in the authorize answer")
        if not (code := answer.get("code")):
            raise Broken(f"no code: {answer.get('error')}")
        return Code(code=code, verifier=verifier, nonce=nonce)

    async def _redeem(self, code: Code, application_id: str = APPLICATION_ID) -> None:
        form = {
            "grant_type": "authorization_code",
            "code": code.code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": code.verifier,
        }
        claims = await self._fetch(form, application_id)
        if claims.get("nonce") != code.nonce:
            raise Broken("another nonce in the ID token")

    async def _fetch(self, form: dict[str, str], application_id: str) -> dict[str, Any]:
        """One token request; the claims of its ID token. The refresh token, if there is one, is kept."""
        headers = _TOKEN_HEADERS
        if application_id == PUBLIC_APPLICATION_ID:
            headers, form = _PUBLIC_HEADERS, form | {"client_id": application_id}
        answer = await self._wire.send("POST", self.place.token_url, headers, urlencode(form).encode())
        tokens = _tokens(answer)
        self.refresh_token = tokens.get("refresh_token", "")
        claims = self._claims(tokens["id_token"], application_id)
        if (claims.get("iss"), claims.get("aud")) != (self.place.issuer, application_id):
            raise Broken("another iss or aud in the ID token")
        if not claims.get("sub") or not claims.get("email"):
            raise Broken("an ID token that says nothing about anybody")
        return claims

    def _claims(self, id_token: str, application_id: str) -> dict[str, Any]:
        """The claims; the signature of each worker's first token is verified, which is cheap enough for nobody."""
        if not self._signature_checked:
            if self.place.jwks is None:
                raise Broken("an ID token of a system without keys")
            key = self.place.jwks[jwt.get_unverified_header(id_token)["kid"]]
            verified: dict[str, Any] = jwt.decode(id_token, key, audience=application_id)
            self._signature_checked = True
            return verified
        payload = id_token.split(".")[1]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return claims


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """A kind of operation. `prepare`: what each worker does once before a window, with nobody measuring."""

    name: str
    told: str
    once: Callable[[Worker], Any]
    prepare: Callable[[Worker], Any] | None = None
    counts_codes: bool = False
    names_provider: bool = False


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(name="discovery", told="discovery document", once=Worker.read_discovery),
        Scenario(name="jwks", told="key set", once=Worker.read_jwks),
        Scenario(
            name="sign_in",
            told="complete sign-in, Provider named",
            once=Worker.sign_in,
            names_provider=True,
        ),
        Scenario(name="sign_in_chosen", told="complete sign-in, Provider chosen on a page", once=Worker.sign_in),
        Scenario(
            name="sign_in_again",
            told="sign-in on a live session",
            once=Worker.sign_in_again,
            prepare=Worker.prepare_session,
            names_provider=True,
        ),
        Scenario(
            name="token",
            told="code to tokens",
            once=Worker.redeem_code,
            counts_codes=True,
            names_provider=True,
        ),
        Scenario(
            name="refresh",
            told="refresh with rotation",
            once=Worker.refresh,
            prepare=Worker.prepare_refresh,
            names_provider=True,
        ),
    )
}


def _tokens(answer: Answer) -> dict[str, Any]:
    if answer.status != 200:
        raise Broken(f"status {answer.status} of the token request")
    tokens: dict[str, Any] = json.loads(answer.body)
    if not tokens.get("access_token") or not tokens.get("id_token"):
        raise Broken("a token is missing")
    return tokens


def _digest(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
