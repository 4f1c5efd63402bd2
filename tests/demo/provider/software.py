"""Software registered at the demo Provider, as the tests drive it: a browser, and a back channel with its secret."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from httpx2 import Response
from starlette.testclient import TestClient

from broker.demo.calls import Answer, Unreachable
from broker.demo.provider import DemoProvider, DemoRegistration, create_provider

ISSUER = "https://accounts.provider.example"
CALLBACK = "https://software.example/callback/google"
NOW = 1_800_000_000
VERIFIER = "v" * 64
ALL = "openid email profile"

LOGOUT = f"{CALLBACK}/logout"
REGISTRATION = DemoRegistration(
    client_id="software", client_secret="s3cret:%", redirect_uris=[CALLBACK], backchannel_logout_uri=LOGOUT
)
OTHER = DemoRegistration(client_id="other", client_secret="other-secret", redirect_uris=[CALLBACK])


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


def challenge(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636 section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class Software:
    """One registration with one browser. Arguments named after OAuth parameters replace them; None leaves them out."""

    def __init__(
        self,
        *,
        issuer: str = ISSUER,
        extra_claims: Callable[[str], Mapping[str, Any]] = lambda persona_id: {},
    ) -> None:
        self.clock = Clock()
        self.told: list[tuple[str, str]] = []
        self.answers: int | None = 200
        self.provider: DemoProvider = create_provider(
            issuer=issuer,
            registrations=[REGISTRATION, OTHER],
            clock=self.clock,
            extra_claims=extra_claims,
            call=self._hear,
        )
        self.browser = TestClient(self.provider.app, base_url=issuer, follow_redirects=False)
        self.channel = TestClient(self.provider.app, base_url=issuer, follow_redirects=False)

    async def _hear(self, url: str, *, form: Mapping[str, str] | None = None, bearer: str | None = None) -> Answer:
        """Where the Provider tells of a sign-out; `answers` None: nobody is there."""
        if self.answers is None:
            raise Unreachable("no answer")
        self.told.append((url, (form or {})["logout_token"]))
        return Answer(status=self.answers, body=b"")

    def parameters(self, **changes: str | None) -> dict[str, str]:
        """A good authorize request, changed."""
        good: dict[str, str | None] = {
            "client_id": REGISTRATION.client_id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": ALL,
            "state": "the-state",
            "nonce": "the-nonce",
            "code_challenge": challenge(VERIFIER),
            "code_challenge_method": "S256",
            "access_type": "offline",
        }
        return {name: value for name, value in (good | changes).items() if value is not None}

    def authorize(self, **changes: str | None) -> Response:
        """GET the authorize endpoint."""
        return self.browser.get("/o/oauth2/v2/auth", params=self.parameters(**changes))

    def answer_page(
        self,
        form: Mapping[str, str | Sequence[str]],
        changes: Mapping[str, str | None] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """POST the persona page's form for a good authorize request, changed."""
        query = urlencode(self.parameters(**(changes or {})))
        return self.browser.post(f"/o/oauth2/v2/auth/consent?{query}", data=form, headers=headers)

    def allow(
        self,
        persona: str = "ada",
        *,
        ticks: Sequence[str] = ("email", "profile"),
        fault: str = "",
        **changes: str | None,
    ) -> dict[str, str]:
        """Choose a persona and allow; the parameters that come back to the software."""
        form = {"persona": persona, "scope": list(ticks), "fault": fault, "decision": "allow"}
        return callback(self.answer_page(form, changes))

    def redeem(self, code: str | None, **changes: str | None) -> Response:
        """POST a code to the token endpoint, with the secret in the body."""
        good: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
            "client_id": REGISTRATION.client_id,
            "client_secret": REGISTRATION.client_secret,
        }
        form = {name: value for name, value in (good | changes).items() if value is not None}
        return self.channel.post("/token", data=form)

    def refresh(self, refresh_token: str, **changes: str | None) -> Response:
        """POST a refresh token to the token endpoint."""
        unused: dict[str, str | None] = {"redirect_uri": None, "code_verifier": None}
        return self.redeem(None, grant_type="refresh_token", refresh_token=refresh_token, **(unused | changes))

    def sign_in(self, persona: str = "ada", **changes: Any) -> dict[str, Any]:
        """A whole sign-in; the token answer."""
        answer = self.redeem(self.allow(persona, **changes)["code"])
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    def revoke(self, token: str) -> Response:
        return self.channel.post("/revoke", data={"token": token})

    def userinfo(self, access_token: str) -> Response:
        return self.channel.get("/v1/userinfo", headers={"Authorization": f"Bearer {access_token}"})

    def key_ids(self) -> list[str]:
        return [key["kid"] for key in self.channel.get("/oauth2/v3/certs").json()["keys"]]

    def verified(self, id_token: str) -> dict[str, Any]:
        """The claims of an ID token whose signature one of the published keys made; raises `jwt.PyJWTError`."""
        kid = jwt.get_unverified_header(id_token)["kid"]
        published = jwt.PyJWKSet(self.channel.get("/oauth2/v3/certs").json()["keys"])
        return jwt.decode(
            id_token,
            published[kid],
            algorithms=["RS256"],
            audience=REGISTRATION.client_id,
            options={"verify_exp": False, "verify_iat": False},
        )


def callback(answer: Response) -> dict[str, str]:
    """The parameters of a redirect to the software."""
    assert answer.status_code == 303, answer.text
    target = urlsplit(answer.headers["location"])
    assert f"{target.scheme}://{target.netloc}{target.path}" == CALLBACK
    return dict(parse_qsl(target.query, keep_blank_values=True))
