"""A Provider with GitHub Enterprise's ways: no OpenID Connect, documents behind an API, errors with HTTP 200."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from tests.fakes.providers.provider import Code, Endpoint, FakeProvider, Json

ADA: Mapping[str, Any] = {
    "login": "ada-l",
    "id": 1815,
    "node_id": "MDQ6VXNlcjE=",
    "avatar_url": "https://avatars.githubusercontent.example/u/1815",
    "type": "User",
    "name": "Ada Lovelace",
    "company": "Acme",
    "email": "shown-to-everyone@acme.example",
    "two_factor_authentication": True,
    "plan": {"name": "Medium", "private_repos": 20},
}
EMAILS = (
    {"email": "old@acme.example", "verified": True, "primary": False, "visibility": None},
    {"email": "ada@acme.example", "verified": True, "primary": True, "visibility": "private"},
    {"email": "unproven@acme.example", "verified": False, "primary": False, "visibility": None},
)


class FakeGitHub(FakeProvider):
    """Refuses requests without a User-Agent, and speaks JSON at the token endpoint only when asked for it."""

    name = "github"
    scope_separator = ","

    def __init__(self, **arguments: Any) -> None:
        self.person: Json = dict(ADA)
        self.emails: list[Json] = [dict(entry) for entry in EMAILS]
        super().__init__(**arguments)

    @property
    def issuer(self) -> str:
        return self.base

    def routes(self) -> list[tuple[str, str, str, Endpoint]]:
        return [
            ("GET", "/login/oauth/authorize", "authorize", self.authorize),
            ("POST", "/login/oauth/access_token", "token", self.token),
            ("GET", "/api/v3/user", "user", self.user),
            ("GET", "/api/v3/user/emails", "emails", self.user_emails),
            ("DELETE", "/api/v3/applications/{application_id}/grant", "revocation", self.revocation),
        ]

    async def token(self, request: Request) -> Response:
        if "application/json" not in request.headers.get("accept", ""):
            return PlainTextResponse("error=not_acceptable", media_type="application/x-www-form-urlencoded")
        return await super().token(request)

    def token_answer(self, code: Code, access_token: str, scopes: tuple[str, ...]) -> Json:
        return {"token_type": "bearer"}

    def token_error(self, error: str) -> Response:
        ours = {"invalid_grant": "bad_verification_code", "invalid_client": "incorrect_client_credentials"}
        body = {"error": ours[error], "error_description": "…", "error_uri": "https://docs.github.example/"}
        return JSONResponse(body, 200)

    async def user(self, request: Request) -> Response:
        return self._document(request, None, self.bend_userinfo(self.person))

    async def user_emails(self, request: Request) -> Response:
        return self._document(request, "user:email", self.emails)

    def _document(self, request: Request, scope: str | None, document: object) -> Response:
        if not request.headers.get("user-agent"):
            return JSONResponse({"message": "Request forbidden by administrative rules."}, 403)
        scopes = self.scopes_of(request)
        if scopes is None:
            return JSONResponse({"message": "Bad credentials"}, 401)
        if scope is not None and scope not in scopes:
            return JSONResponse({"message": "Not Found"}, 404)
        return JSONResponse(document)

    async def revocation(self, request: Request) -> Response:
        """The whole grant of this application ends, for who proves to be it and holds one of its tokens."""
        if not self.proves_itself(request, {}) or request.path_params["application_id"] != self.enrolled.application_id:
            return JSONResponse({"message": "Requires authentication"}, 401)
        if json.loads(self.asked[-1].body)["access_token"] not in self.living:
            return JSONResponse({"message": "Not Found"}, 404)
        self.living.clear()
        return Response(status_code=204)
