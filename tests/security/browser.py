"""A browser of one person: its cookies, its forms, its trips to a Provider and back. Redirects are followed by hand.

Every request goes past the `Watch`; what a test needs bent, it bends here, not in the broker.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx2

from broker.domain.pkce import challenge_of
from tests.security.invariants import Watch
from tests.security.template import SECRETS, Template
from tests.servers.asgi import Application

REDIRECTS = {
    "demo-app": "https://app.example/callback",
    "reports": "https://reports.example/callback?area=eu",
    "crm": "https://crm.example/callback",
    "native": "http://127.0.0.1/cb",
}
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin", "Origin": "null"}
"""What a browser says of a form on our own pages, which carry `Referrer-Policy: no-referrer`."""
OPENS_A_PAGE = {"Sec-Fetch-Mode": "navigate"}
Headers = Mapping[str, str] | Sequence[tuple[str, str]]
"""Values are sent as Latin-1, in which servers read them: any byte can be had."""
Form = Mapping[str, Any] | Sequence[tuple[str, str]]
TRIES = 60
"""How often somebody comes back to a broker that is busy."""
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')


@dataclass(frozen=True, kw_only=True)
class Ask:
    """An authorize request of an Application, and what is needed to redeem its code."""

    application: str
    parameters: dict[str, str]
    verifier: str = field(repr=False)

    @property
    def url(self) -> str:
        """As a link."""
        return f"/oauth/authorize?{urlencode(self.parameters)}"


def ask(application: str = "demo-app", **changes: str | None) -> Ask:
    """An authorize request that holds; a parameter changed to None is left out."""
    verifier = secrets.token_urlsafe(48)
    parameters: dict[str, str | None] = {
        "client_id": application,
        "redirect_uri": REDIRECTS[application],
        "response_type": "code",
        "scope": "openid email profile",
        "state": secrets.token_urlsafe(16),
        "nonce": secrets.token_urlsafe(16),
        "code_challenge": challenge_of(verifier),
        "code_challenge_method": "S256",
        **changes,
    }
    present = {name: value for name, value in parameters.items() if value is not None}
    return Ask(application=application, parameters=present, verifier=verifier)


class Browser:
    """One person's. `trip_…` are the steps of a sign-in; `sign_in` is all of them."""

    def __init__(self, app: Application, issuer: str, address: str, watch: Watch, template: Template) -> None:
        transport = httpx2.ASGITransport(app, client=(address, 40000))
        self.http = httpx2.AsyncClient(transport=transport, base_url=issuer, follow_redirects=False)
        self.issuer = issuer
        self._watch = watch
        self._template = template

    async def send(
        self,
        method: str,
        path: str,
        *,
        form: Form | None = None,
        content: bytes | None = None,
        headers: Headers = (),
        may_change: Sequence[str] = (),
    ) -> httpx2.Response:
        """Send one request. `may_change`: tables that a refusal of it may change."""
        pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
        sent = httpx2.Headers([(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs])
        if form is not None:
            content = urlencode(list(form.items()) if isinstance(form, Mapping) else list(form)).encode()
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        request = self.http.build_request(method, path, content=content, headers=sent)
        return await self._watch.around(request, lambda: self.http.send(request), may_change)

    async def get(self, path: str, **options: Any) -> httpx2.Response:
        """GET, as by a link."""
        return await self.send("GET", path, **options)

    async def post(self, path: str, form: Form = (), **options: Any) -> httpx2.Response:
        """POST a form of the broker's own pages."""
        return await self.send("POST", path, form=form, headers=SAME_ORIGIN, **options)

    async def press(self, path: str, form: Form = (), **options: Any) -> httpx2.Response:
        """POST a form of the User's own pages, with the token that their forms carry."""
        return await self.post(path, [("csrf", await self.csrf()), *dict(form).items()], **options)

    async def csrf(self) -> str:
        """The token in the forms of one's own pages."""
        found = _CSRF.search((await self.get("/account/sessions")).text)
        assert found is not None
        return found[1]

    async def begin(self, registration: str = "google", request: Ask | None = None) -> str:
        """Choose a Provider; the URL to go to."""
        answer = await self.post(f"/sign-in/{registration}", {} if request is None else request.parameters)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["Location"])

    async def visit(self, url: str, persona: str = "ada") -> str:
        """Be this person at the Provider, and allow everything; the way back, as path and query.

        A fake Provider of `tests/fakes/` knows one person only, and is visited through its socket.
        """
        known = {upstream.provider.issuer: upstream for upstream in (self._template.google, self._template.corp)}
        parts = urlsplit(url)
        upstream = known.get(f"{parts.scheme}://{parts.netloc}")
        transport = None if upstream is None else httpx2.ASGITransport(upstream.provider.app)
        pairs = [(name, value) for name, value in parse_qsl(parts.query) if name != "login_hint"]
        there = parts._replace(query=urlencode([*pairs, ("login_hint", persona)])).geturl()
        async with httpx2.AsyncClient(transport=transport) as at_the_provider:
            answer = await at_the_provider.get(there)
        assert answer.status_code in (302, 303), answer.text
        back = urlsplit(answer.headers["Location"])
        return f"{back.path}?{back.query}"

    async def trip(self, persona: str = "ada", registration: str = "google", request: Ask | None = None) -> str:
        """Begin and visit; the callback's path and query, not yet opened."""
        return await self.visit(await self.begin(registration, request), persona)

    async def sign_in(
        self, persona: str = "ada", registration: str = "google", request: Ask | None = None
    ) -> httpx2.Response:
        """The whole trip; the callback's answer."""
        return await self.get(await self.trip(persona, registration, request))

    async def connect(self, persona: str = "ada", registration: str = "corp") -> str:
        """Begin to connect a further account, and visit its Provider; the callback, not yet opened."""
        answer = await self.press(f"/account/connections/{registration}")
        assert answer.status_code == 303, answer.text
        return await self.visit(answer.headers["Location"], persona)

    async def code_for(self, request: Ask, persona: str = "ada") -> str:
        """A code for an Application: at once where one is signed in, by a sign-in otherwise."""
        answer = await self.get(request.url)
        if answer.headers.get("Location", "").startswith("/sign-in"):
            answer = await self.sign_in(persona, request=request)
        return answered(answer)["code"]

    async def push(self, request: Ask, **changes: str) -> httpx2.Response:
        """The Application pushes its request."""
        secret = SECRETS.get(request.application)
        proof = {} if secret is None else {"client_secret": secret}
        return await self.send("POST", "/oauth/par", form=request.parameters | proof | changes)

    async def pushed(self, request: Ask) -> Ask:
        """What a browser is sent with, once it was pushed."""
        answer = await self.push(request)
        assert answer.status_code == 201, answer.text
        told = {"client_id": request.application, "request_uri": answer.json()["request_uri"]}
        return Ask(application=request.application, parameters=told, verifier=request.verifier)

    async def redeem(
        self, request: Ask, code: str, *, may_change: Sequence[str] = (), **changes: str | None
    ) -> httpx2.Response:
        """The Application fetches its tokens; a parameter changed to None is left out."""
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "client_id": request.application,
            "client_secret": SECRETS.get(request.application),
            "code": code,
            "redirect_uri": request.parameters.get("redirect_uri", REDIRECTS[request.application]),
            "code_verifier": request.verifier,
            **changes,
        }
        present = {name: value for name, value in form.items() if value is not None}
        return await self.send("POST", "/oauth/token", form=present, may_change=may_change)

    async def refresh(
        self, token: str, application: str = "demo-app", *, may_change: Sequence[str] = (), **changes: str | None
    ) -> httpx2.Response:
        """The Application uses a refresh token; a parameter changed to None is left out."""
        form: dict[str, str | None] = {
            "grant_type": "refresh_token",
            "client_id": application,
            "client_secret": SECRETS.get(application),
            "refresh_token": token,
            **changes,
        }
        present = {name: value for name, value in form.items() if value is not None}
        return await self.send("POST", "/oauth/token", form=present, may_change=may_change)

    async def about_token(
        self, endpoint: str, token: str, application: str = "demo-app", **changes: str | None
    ) -> httpx2.Response:
        """The Application asks "revoke" or "introspect" about a token; a parameter changed to None is left out."""
        form: dict[str, str | None] = {
            "client_id": application,
            "client_secret": SECRETS.get(application),
            "token": token,
            **changes,
        }
        present = {name: value for name, value in form.items() if value is not None}
        return await self.send("POST", f"/oauth/{endpoint}", form=present)

    async def tokens_for(self, request: Ask, persona: str = "ada") -> dict[str, Any]:
        """Code and tokens, one after the other."""
        answer = await self.redeem(request, await self.code_for(request, persona))
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    async def to_the_desk(self, path: str = "/", **changes: str) -> str:
        """Be led from the service desk to the broker, where one is signed in; the way back, not yet opened."""
        start = f"/forward-auth/desk/start?{urlencode({'return_to': path})}"
        leads = urlsplit((await self.get(start, headers=OPENS_A_PAGE)).headers["Location"])
        asked = dict(parse_qsl(leads.query)) | changes
        answer = await self.get(f"{leads.path}?{urlencode(asked)}")
        back = urlsplit(answer.headers["Location"])
        assert back.path == "/.partner-ops/callback", answer.text
        return f"/forward-auth/desk/callback?{back.query}"

    async def userinfo(self, session_jwt: str) -> httpx2.Response:
        """Ask with a session JWT."""
        return await self.get("/oauth/userinfo", headers={"Authorization": f"Bearer {session_jwt}"})

    async def is_signed_in(self) -> bool:
        """Whether one's own pages open."""
        return (await self.get("/account/data")).status_code == 200

    def cookie(self, part: str) -> str | None:
        """The value of the cookie whose name holds `part`."""
        return next((c.value for c in self.http.cookies.jar if part in c.name), None)


async def until_served(send: Callable[[], Awaitable[httpx2.Response]]) -> httpx2.Response:
    """Send it again where a broker that has too much to do says so: 503 with `Retry-After` means that, and no more
    (RFC 9110 section 15.6.4). Whether the first one was done nobody knows."""
    answer = await send()
    for _ in range(TRIES):
        if answer.status_code != 503:
            break
        await asyncio.sleep(0.5)
        answer = await send()
    return answer


def answered(answer: httpx2.Response) -> dict[str, str]:
    """What an Application finds in the redirect that brings a browser to it."""
    assert answer.status_code == 303, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}
