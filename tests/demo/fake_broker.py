"""A broker small enough to be read at a glance, and the wire on which the demo's apps speak to it in memory."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from broker.demo.calls import Answer, Unreachable

ISSUER = "https://id.broker.example"
AUDIENCE = "https://api.broker.example"
APPLICATION = "demo-app"
NOW = 1_800_000_000
Claims = dict[str, Any]


class Wire:
    """A `Call` that reaches apps by their origin, in memory; an origin in `down`, or not there, is unreachable."""

    def __init__(self, apps: Mapping[str, Any]) -> None:
        self.apps = dict(apps)
        self.down: set[str] = set()

    async def __call__(self, url: str, *, form: Mapping[str, str] | None = None, bearer: str | None = None) -> Answer:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin in self.down or origin not in self.apps:
            raise Unreachable("down")
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=self.apps[origin])) as http:
            answer = await http.request("GET" if form is None else "POST", url, data=form, headers=headers)
        return Answer(status=answer.status_code, body=answer.content)


class Key:
    """A signing key of the broker."""

    def __init__(self, kid: str) -> None:
        self.kid = kid
        self.private = ec.generate_private_key(ec.SECP256R1())

    def jwk(self) -> dict[str, Any]:
        public: dict[str, Any] = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return public | {"kid": self.kid, "alg": "ES256", "use": "sig"}

    def sign(self, claims: Claims, **header: Any) -> str:
        # PyJWS signs whatever it is given, where PyJWT would refuse claims that a test has bent.
        payload = json.dumps(claims).encode()
        return jwt.PyJWS().encode(payload, self.private, "ES256", headers={"kid": self.kid, **header})


class FakeBroker:
    """Signs everybody in as `user` at once. What it says is in attributes, for a test to bend."""

    def __init__(self, *, issuer: str = ISSUER, now: int = NOW) -> None:
        self.issuer = issuer
        self.now = now
        self.key = Key("one")
        self.user = "user-1"
        self.authorizations: Any = {"acme": ["invoices:read", "reports:read"], "globex": ["reports:read"]}
        self.identity: Claims = {}
        self.metadata: Claims = {}
        self.jwks: Claims = {"keys": [self.key.jwk()]}
        self.callback: dict[str, str | None] = {}
        self.token_status = 200
        self.tokens: Claims = {}
        self.userinfo_status = 200
        self.userinfo: Any = {"sub": self.user}
        self.requests: Counter[str] = Counter()
        self.authorize_requests: list[dict[str, str]] = []
        self.app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._metadata),
                Route("/keys", self._jwks),
                Route("/oauth/authorize", self._authorize),
                Route("/oauth/token", self._token, methods=["POST"]),
                Route("/oauth/userinfo", self._userinfo),
            ]
        )

    def session_claims(self, **changes: Any) -> Claims:
        """The claims of a good session JWT, changed."""
        good = {
            "iss": self.issuer,
            "sub": self.user,
            "aud": AUDIENCE,
            "client_id": APPLICATION,
            "iat": self.now,
            "exp": self.now + 300,
            "auth_time": self.now - 60,
            "jti": "j-1",
            "sid": "s-1",
            "scope": "openid profile email",
            "authorizations": self.authorizations,
        }
        return {name: value for name, value in (good | changes).items() if value is not ...}

    def session_jwt(self, **changes: Any) -> str:
        """A good session JWT, its claims changed; `...` leaves one out."""
        return self.key.sign(self.session_claims(**changes), typ="at+jwt")

    def logout_token(self, *, typ: str = "logout+jwt", **changes: Any) -> str:
        """A good logout token, its claims changed; `...` leaves one out."""
        good = {
            "iss": self.issuer,
            "sub": self.user,
            "aud": APPLICATION,
            "iat": self.now,
            "exp": self.now + 120,
            "jti": "l-1",
            "sid": "s-1",
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        }
        return self.key.sign({n: v for n, v in (good | changes).items() if v is not ...}, typ=typ)

    async def _metadata(self, request: Request) -> Response:
        self.requests["metadata"] += 1
        good = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/oauth/authorize",
            "token_endpoint": f"{self.issuer}/oauth/token",
            "userinfo_endpoint": f"{self.issuer}/oauth/userinfo",
            "end_session_endpoint": f"{self.issuer}/oauth/end-session",
            "jwks_uri": f"{self.issuer}/keys",
            "authorization_response_iss_parameter_supported": True,
        }
        return JSONResponse({name: value for name, value in (good | self.metadata).items() if value is not None})

    async def _jwks(self, request: Request) -> Response:
        self.requests["jwks"] += 1
        return JSONResponse(self.jwks)

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        self.authorize_requests.append(asked)
        answer = {"code": "the-code", "state": asked["state"], "iss": self.issuer} | self.callback
        query = urlencode({name: value for name, value in answer.items() if value is not None})
        return RedirectResponse(f"{asked['redirect_uri']}?{query}", 303)

    async def _token(self, request: Request) -> Response:
        form = await request.form()
        asked = self.authorize_requests[-1]
        verifier = str(form.get("code_verifier", ""))
        proven = asked["code_challenge"] == _base64url(hashlib.sha256(verifier.encode()).digest())
        right = {"grant_type": "authorization_code", "code": "the-code", "client_id": APPLICATION}
        if not proven or any(form.get(name) != value for name, value in right.items()):
            return JSONResponse({"error": "invalid_grant"}, 400)
        session_jwt = self.session_jwt()
        identity = {
            "iss": self.issuer,
            "aud": APPLICATION,
            "sub": self.user,
            "iat": self.now,
            "exp": self.now + 300,
            "nonce": asked["nonce"],
            "email": "ada@acme.example",
            "sid": "s-1",
            "at_hash": _base64url(hashlib.sha256(session_jwt.encode()).digest()[:16]),
        } | self.identity
        id_token = self.key.sign({name: value for name, value in identity.items() if value is not ...})
        good = {"access_token": session_jwt, "id_token": id_token, "token_type": "Bearer", "expires_in": 300}
        return JSONResponse(
            {name: value for name, value in (good | self.tokens).items() if value is not None}, self.token_status
        )

    async def _userinfo(self, request: Request) -> Response:
        self.requests["userinfo"] += 1
        return JSONResponse(self.userinfo, self.userinfo_status)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
