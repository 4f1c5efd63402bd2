"""A plain OpenID Provider, as the standard has it: thin ID tokens, the profile at userinfo, RFC 7009, RFC 9207."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.fakes.providers.keys import FakeKey, compact, half_hash, header_of, key
from tests.fakes.providers.provider import Bend, Code, Endpoint, FakeProvider, Json, straight

ADA: Mapping[str, Any] = {
    "sub": "248289761001",
    "email": "ada@corp.example",
    "email_verified": True,
    "name": "Ada Lovelace",
    "given_name": "Ada",
    "family_name": "Lovelace",
    "preferred_username": "ada",
    "picture": "https://corp.example/ada.png",
    "locale": "en-GB",
    "zoneinfo": "Europe/London",
    "phone_number": "+442079460000",
    "birthdate": "1815-12-10",
    "address": {"locality": "London"},
}
SCOPES: Mapping[str, str] = {
    "email": "email", "email_verified": "email", "phone_number": "phone", "address": "address",
    **dict.fromkeys(("name", "given_name", "family_name", "preferred_username"), "profile"),
    **dict.fromkeys(("picture", "locale", "zoneinfo", "birthdate"), "profile"),
}  # fmt: skip


class FakeOpenIdProvider(FakeProvider):
    """`sign` makes the ID token from header and claims: replace it to forge."""

    name = "oidc"
    scopes_of_claims = SCOPES
    claims_in_id_token = frozenset({"sub"})

    def __init__(self, **arguments: Any) -> None:
        self.person: Json = dict(ADA)
        self.key: FakeKey = key("first")
        self.published: list[Json] = [self.key.jwk]
        self.bend_claims: Bend = straight
        self.bend_header: Bend = straight
        self.bend_metadata: Bend = straight
        self.sign = compact
        super().__init__(**arguments)

    @property
    def issuer(self) -> str:
        return self.base

    def routes(self) -> list[tuple[str, str, str, Endpoint]]:
        return [
            ("GET", "/.well-known/openid-configuration", "discovery", self.discovery),
            ("GET", "/authorize", "authorize", self.authorize),
            ("POST", "/token", "token", self.token),
            ("GET", "/jwks", "keys", self.jwks),
            ("GET", "/userinfo", "userinfo", self.userinfo),
            ("POST", "/revoke", "revocation", self.revocation),
        ]

    def metadata(self) -> Json:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.base}/authorize",
            "token_endpoint": f"{self.base}/token",
            "jwks_uri": f"{self.base}/jwks",
            "userinfo_endpoint": f"{self.base}/userinfo",
            "revocation_endpoint": f"{self.base}/revoke",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.key.algorithm],
            "authorization_response_iss_parameter_supported": True,
        }

    def beside_code(self) -> Json:
        return {"iss": self.issuer}

    async def discovery(self, request: Request) -> Response:
        return JSONResponse(self.bend_metadata(self.metadata()))

    async def jwks(self, request: Request) -> Response:
        return JSONResponse({"keys": self.published}, media_type="application/jwk-set+json")

    def claims_about(self, scopes: tuple[str, ...]) -> Json:
        """The claims of these scopes (OpenID Connect Core section 5.4), and those which need none."""
        needed = self.scopes_of_claims
        return {name: value for name, value in self.person.items() if needed.get(name) in {None, *scopes}}

    def token_answer(self, code: Code, access_token: str, scopes: tuple[str, ...]) -> Json:
        now = self.clock.now()
        about = self.claims_about(scopes)
        claims = {
            "iss": self.id_token_issuer(),
            "aud": self.enrolled.application_id,
            "iat": now,
            "exp": now + 300,
            "nonce": code.request.get("nonce"),
            "at_hash": half_hash(access_token, self.key.algorithm),
            **{name: value for name, value in about.items() if name in self.claims_in_id_token},
        }
        id_token = self.sign(self.bend_header(header_of(self.key)), self.bend_claims(claims), self.key.sign)
        self.issued.append(id_token)
        refresh_token = {"refresh_token": self.new_token(scopes)} if self.is_offline(code) else {}
        return {"expires_in": 3600, "id_token": id_token, **refresh_token}

    def id_token_issuer(self) -> str:
        return self.issuer

    def is_offline(self, code: Code) -> bool:
        return True

    async def userinfo(self, request: Request) -> Response:
        scopes = self.scopes_of(request)
        if scopes is None:
            return JSONResponse({"error": "invalid_token"}, 401)
        return JSONResponse(self.bend_userinfo(self.claims_about(scopes)))

    async def revocation(self, request: Request) -> Response:
        """RFC 7009: one token ends; one that is not known is no error."""
        form = self.asked[-1].form
        if not self.proves_itself(request, form):
            return JSONResponse({"error": "invalid_client"}, 401)
        self.living.pop(form["token"], None)
        return Response()
