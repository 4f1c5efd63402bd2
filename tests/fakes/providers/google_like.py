"""A Provider with Google's ways: fat ID tokens, long scope names, one refresh token a consent, whole grants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.fakes.providers.oidc import FakeOpenIdProvider
from tests.fakes.providers.provider import Code, Json

ADA: Mapping[str, Any] = {
    "sub": "107691504500061815001",
    "hd": "acme.example",
    "email": "ada@acme.example",
    "email_verified": True,
    "name": "Ada Lovelace",
    "given_name": "Ada",
    "family_name": "Lovelace",
    "picture": "https://lh3.googleusercontent.example/ada",
    "locale": "en-GB",
}
_LONG_NAMES = {name: f"https://www.googleapis.com/auth/userinfo.{name}" for name in ("email", "profile")}


class FakeGoogle(FakeOpenIdProvider):
    """It has no code for every sign-in: whoever allowed it once gets no second refresh token unless asked anew."""

    name = "google"
    claims_in_id_token = frozenset(ADA)

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.person = dict(ADA)
        self.consented = False

    def metadata(self) -> Json:
        methods = ["client_secret_post", "client_secret_basic"]
        return super().metadata() | {"token_endpoint_auth_methods_supported": methods}

    def reported(self, scope: str) -> str:
        return _LONG_NAMES.get(scope, scope)

    def is_offline(self, code: Code) -> bool:
        first, self.consented = not self.consented, True
        asked_anew = "consent" in code.request.get("prompt", "").split()
        return code.request.get("access_type") == "offline" and (first or asked_anew)

    async def revocation(self, request: Request) -> Response:
        """Any token ends the whole grant; one that is dead already is an error; nobody has to prove anything."""
        if self.asked[-1].form.get("token") not in self.living:
            return JSONResponse({"error": "invalid_token"}, 400)
        self.living.clear()
        self.consented = False
        return JSONResponse({})
