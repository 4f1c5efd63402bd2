"""One of those who work side by side: each kind of operation, with its answer checked every time.

Refuses to count an answer that a real Application would refuse: wrong state, nonce, audience, issuer or signature.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

import jwt

from benchmarks.browser import Browser
from benchmarks.wire import Answer, Broken, Wire, split

APPLICATION_ID = "bench"
APPLICATION_SECRET = "bench-application-secret"
REDIRECT_URI = "http://127.0.0.1:9999/callback"
"""Nobody listens there: the driver stops when it is sent to it."""
SCOPE = "openid email"
PUBLIC_APPLICATION_ID = "bench-public"
"""Rotates its refresh tokens."""
AUDIENCE = "http://127.0.0.1:9998"
"""The service that the access tokens are for."""

_CREDENTIALS = base64.b64encode(f"{APPLICATION_ID}:{APPLICATION_SECRET}".encode()).decode()
_PUBLIC_HEADERS = (("Accept", "application/json"),)
_TOKEN_HEADERS: tuple[tuple[str, str], ...] = (
    ("Authorization", f"Basic {_CREDENTIALS}"),
    ("Accept", "application/json"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a system's endpoints are, as it says itself. `jwks` is the key set, for checking signatures.

    `processes`: host and port of each of several processes, to which its requests go in turn.
    """

    issuer: str
    discovery_url: str
    jwks_url: str
    authorize_url: str
    token_url: str
    userinfo_url: str
    introspection_url: str
    jwks: jwt.PyJWKSet | None = field(repr=False)
    processes: Sequence[str] = ()


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
        self.access_token = ""
        self.subject = ""
        self._extra = dict(authorize_parameters)
        self._wire = Wire({split(place.issuer)[0]: place.processes} if place.processes else {})
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

    async def ask_userinfo(self) -> None:
        """What userinfo tells of the person, by the newest access token. `prepare_session` comes first."""
        bearer = (("Authorization", f"Bearer {self.access_token}"), ("Accept", "application/json"))
        told = _document(await self._wire.send("GET", self.place.userinfo_url, bearer), "userinfo")
        if told.get("sub") != self.subject or not told.get("email"):
            raise Broken("userinfo of somebody else, or of nobody")

    async def introspect(self) -> None:
        """Whether the newest access token is still good: it is. `prepare_session` comes first."""
        body = urlencode({"token": self.access_token}).encode()
        answer = await self._wire.send("POST", self.place.introspection_url, _TOKEN_HEADERS, body)
        told = _document(answer, "introspection")
        if told.get("active") is not True:
            raise Broken("a live token was called inactive")
        if (told.get("iss"), told.get("sub")) != (self.place.issuer, self.subject):
            raise Broken("another iss or sub in the introspection")

    async def ask_for_itself(self) -> None:
        """A JWT for the Application itself, by its secret."""
        body = urlencode({"grant_type": "client_credentials"}).encode()
        answer = await self._wire.send("POST", self.place.token_url, _TOKEN_HEADERS, body)
        token = _document(answer, "the token request").get("access_token", "")
        if token.count(".") != 2:
            raise Broken("an access token that is no JWT")
        header, claims = _part(token, 0), self._claims(token, AUDIENCE)
        if (header.get("alg"), header.get("typ")) != ("ES256", "at+jwt"):
            raise Broken("an access token of another algorithm or type")
        if (claims.get("iss"), claims.get("aud"), claims.get("client_id")) != (
            self.place.issuer,
            AUDIENCE,
            APPLICATION_ID,
        ):
            raise Broken("another iss, aud or client_id in the access token")

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
        """One token request; the claims of its ID token. What the next operation needs of the answer is kept."""
        headers = _TOKEN_HEADERS
        if application_id == PUBLIC_APPLICATION_ID:
            headers, form = _PUBLIC_HEADERS, form | {"client_id": application_id}
        answer = await self._wire.send("POST", self.place.token_url, headers, urlencode(form).encode())
        tokens = _tokens(answer)
        self.access_token = tokens["access_token"]
        self.refresh_token = tokens.get("refresh_token", self.refresh_token)
        claims = self._claims(tokens["id_token"], application_id)
        if (claims.get("iss"), claims.get("aud")) != (self.place.issuer, application_id):
            raise Broken("another iss or aud in the ID token")
        if not claims.get("sub") or not claims.get("email"):
            raise Broken("an ID token that says nothing about anybody")
        self.subject = claims["sub"]
        return claims

    def _claims(self, token: str, audience: str) -> dict[str, Any]:
        """The claims; the signature of each worker's first token is verified, which is cheap enough for nobody."""
        if not self._signature_checked:
            if self.place.jwks is None:
                raise Broken("a token of a system without keys")
            key = self.place.jwks[jwt.get_unverified_header(token)["kid"]]
            verified: dict[str, Any] = jwt.decode(token, key, audience=audience)
            self._signature_checked = True
            return verified
        return _part(token, 1)


def _tokens(answer: Answer) -> dict[str, Any]:
    tokens = _document(answer, "the token request")
    if not tokens.get("access_token") or not tokens.get("id_token"):
        raise Broken("a token is missing")
    return tokens


def _document(answer: Answer, asked: str) -> dict[str, Any]:
    if answer.status != 200:
        raise Broken(f"status {answer.status} of {asked}")
    document: dict[str, Any] = json.loads(answer.body)
    return document


def _part(token: str, number: int) -> dict[str, Any]:
    """The header (0) or the claims (1) of a JWT, unverified."""
    text = token.split(".")[number]
    part: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return part


def _digest(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
