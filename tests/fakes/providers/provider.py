"""What all fake Providers have in common: codes that work once, PKCE, tokens that can die, and ways to misbehave.

A fake Provider keeps the protocol exactly unless a test bends it, and counts everything that it is asked.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

Json = dict[str, Any]
Bend = Callable[[Json], Json]
Endpoint = Callable[[Request], Awaitable[Response]]


def straight(value: Json) -> Json:
    """Bends nothing."""
    return value


class SettableClock:
    """The broker's clock and the fakes'; it moves when a test moves it."""

    def __init__(self, now: int = 1_800_000_000) -> None:
        self.at = now

    def now(self) -> int:
        return self.at


@dataclass(frozen=True, kw_only=True)
class Enrolled:
    """The one application that is registered at a fake Provider."""

    application_id: str = "partner-ops-at-provider"
    secret: str = field(default="a~secret+with/odd:signs", repr=False)
    callback_url: str = "http://localhost:8000/callback/work"


@dataclass(kw_only=True)
class Code:
    """A code, and the authorize request that it answers."""

    request: Mapping[str, str]
    spent: bool = False


@dataclass(kw_only=True)
class Asked:
    """One request, as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    form: Mapping[str, str]
    body: bytes


class FakeProvider:
    """`requests` counts by endpoint; `instead` replaces an endpoint; the `bend_…` change one answer each.

    `declined` are scopes that the person unticks. `living` are the tokens that work, with their scopes.
    """

    name = ""
    scope_separator = " "

    def __init__(self, *, base: str, clock: SettableClock, enrolled: Enrolled | None = None) -> None:
        self.base = base
        self.clock = clock
        self.enrolled = enrolled or Enrolled()
        self.requests: Counter[str] = Counter()
        self.asked: list[Asked] = []
        self.codes: dict[str, Code] = {}
        self.living: dict[str, tuple[str, ...]] = {}
        self.issued: list[str] = []
        self.declined: set[str] = set()
        self.instead: dict[str, Endpoint] = {}
        self.bend_callback: Bend = straight
        self.bend_answer: Bend = straight
        self.bend_userinfo: Bend = straight
        self.app = Starlette(routes=[self._route(*row) for row in self.routes()])

    def routes(self) -> list[tuple[str, str, str, Endpoint]]:
        """(method, path, name, endpoint)."""
        raise NotImplementedError

    def token_answer(self, code: Code, access_token: str, scopes: tuple[str, ...]) -> Json:
        """What a redeemed code brings, beside what every Provider sends."""
        raise NotImplementedError

    def token_error(self, error: str) -> Response:
        """RFC 6749 section 5.2, unless this Provider has a way of its own."""
        return JSONResponse({"error": error}, 401 if error == "invalid_client" else 400)

    def reported(self, scope: str) -> str:
        """How a granted scope is spelled in the answer."""
        return scope

    async def authorize(self, request: Request) -> Response:
        """Send the browser straight back, as if the person had agreed a moment ago."""
        asked = dict(request.query_params)
        problem = (
            asked.get("client_id") != self.enrolled.application_id
            or asked.get("redirect_uri") != self.enrolled.callback_url
            or asked.get("response_type") != "code"
        )
        if problem:
            return JSONResponse({"error": "invalid_request"}, 400)
        code = self.secret()
        self.codes[code] = Code(request=asked)
        answer = self.bend_callback({"code": code, "state": asked.get("state", ""), **self.beside_code()})
        return RedirectResponse(f"{self.enrolled.callback_url}?{urlencode(answer)}", 302)

    def beside_code(self) -> Json:
        """What else the callback carries: `iss` where the Provider keeps RFC 9207."""
        return {}

    async def token(self, request: Request) -> Response:
        """Redeem a code: once, by who asked for it, with the verifier that fits the challenge."""
        form = self.asked[-1].form
        if not self.proves_itself(request, form):
            return self.token_error("invalid_client")
        code = self.codes.get(form.get("code", ""))
        if form.get("grant_type") != "authorization_code" or code is None or code.spent:
            return self.token_error("invalid_grant")
        code.spent = True
        if form.get("redirect_uri") != code.request["redirect_uri"] or not _proves(form, code.request):
            return self.token_error("invalid_grant")
        scopes = tuple(s for s in code.request.get("scope", "").split() if s not in self.declined)
        access_token = self.new_token(scopes)
        answer = {
            "access_token": access_token,
            "token_type": "Bearer",
            "scope": self.scope_separator.join(map(self.reported, scopes)),
            **self.token_answer(code, access_token, scopes),
        }
        return JSONResponse(self.bend_answer(answer))

    def proves_itself(self, request: Request, form: Mapping[str, str]) -> bool:
        """client_secret_basic or client_secret_post (RFC 6749 section 2.3.1), never both."""
        header = request.headers.get("authorization", "")
        name, secret = _basic(header) if header else (form.get("client_id", ""), form.get("client_secret", ""))
        if header and "client_secret" in form:
            return False
        return (name, secret) == (self.enrolled.application_id, self.enrolled.secret)

    def scopes_of(self, request: Request) -> tuple[str, ...] | None:
        """The scopes of the Bearer token in a request; None when it does not work."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return self.living.get(token) if scheme.lower() == "bearer" else None

    def new_token(self, scopes: tuple[str, ...]) -> str:
        token = self.secret()
        self.living[token] = scopes
        return token

    def secret(self) -> str:
        """A value that must never be seen outside."""
        value = secrets.token_urlsafe(24)
        self.issued.append(value)
        return value

    def _route(self, method: str, path: str, name: str, endpoint: Endpoint) -> Route:
        async def counted(request: Request) -> Response:
            body = await request.body()
            self.requests[name] += 1
            path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
            form = dict(parse_qsl(body.decode())) if "form" in request.headers.get("content-type", "") else {}
            self.asked.append(Asked(method=method, path=path, headers=request.headers, form=form, body=body))
            return await self.instead.get(name, endpoint)(request)

        return Route(path, counted, methods=[method], name=name)


def _proves(form: Mapping[str, str], request: Mapping[str, str]) -> bool:
    """RFC 7636 section 4.6; a request without a challenge needs no verifier."""
    challenge = request.get("code_challenge")
    if challenge is None:
        return "code_verifier" not in form
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    return request.get("code_challenge_method") == "S256" and challenge == (
        base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    )


def _basic(header: str) -> tuple[str, str]:
    scheme, _, value = header.partition(" ")
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return (unquote_plus(name), unquote_plus(secret)) if scheme.lower() == "basic" else ("", "")
