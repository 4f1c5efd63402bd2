"""A Provider with Entra's ways: an issuer template for many tenants, pairwise subjects, no revocation endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.fakes.providers.oidc import FakeOpenIdProvider
from tests.fakes.providers.provider import Code, Endpoint, Json

CONTOSO = "b9410318-09af-49c2-b0c3-653adc1f376e"
ADA: Mapping[str, Any] = {
    "sub": "Yz3pairwiseAndOnlyOurs",
    "oid": "690222be-ff1a-4d56-abd1-7e4f7d38e474",
    "tid": CONTOSO,
    "ver": "2.0",
    "name": "Ada Lovelace",
    "preferred_username": "ada@contoso.example",
    "email": "ada@contoso.example",
}


class FakeEntra(FakeOpenIdProvider):
    """`tenant` is what stands in the registration's issuer: a GUID, common, organizations, consumers or a domain."""

    name = "microsoft"
    claims_in_id_token = frozenset({*ADA, "xms_edov", "given_name", "family_name"})
    scopes_of_claims: Mapping[str, str] = {
        "email": "email",
        **dict.fromkeys(("oid", "tid", "name", "preferred_username"), "profile"),
    }

    def __init__(self, *, tenant: str = "common", **arguments: Any) -> None:
        self.tenant = tenant
        self.published_tenant = "{tenantid}"
        super().__init__(**arguments)
        self.person = dict(ADA)

    @property
    def issuer(self) -> str:
        return f"{self.base}/{self.tenant}/v2.0"

    def routes(self) -> list[tuple[str, str, str, Endpoint]]:
        return [
            ("GET", f"/{self.tenant}/v2.0/.well-known/openid-configuration", "discovery", self.discovery),
            ("GET", f"/{self.tenant}/oauth2/v2.0/authorize", "authorize", self.authorize),
            ("POST", f"/{self.tenant}/oauth2/v2.0/token", "token", self.token),
            ("GET", f"/{self.tenant}/discovery/v2.0/keys", "keys", self.jwks),
            ("GET", "/oidc/userinfo", "userinfo", self.userinfo),
        ]

    def metadata(self) -> Json:
        return {
            "issuer": f"{self.base}/{self.published_tenant}/v2.0",
            "authorization_endpoint": f"{self.base}/{self.tenant}/oauth2/v2.0/authorize",
            "token_endpoint": f"{self.base}/{self.tenant}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": f"{self.base}/{self.tenant}/discovery/v2.0/keys",
            "userinfo_endpoint": f"{self.base}/oidc/userinfo",
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def beside_code(self) -> Json:
        return {"session_state": "5f0f2b7e"}

    def id_token_issuer(self) -> str:
        return f"{self.base}/{self.person.get('tid')}/v2.0"

    def is_offline(self, code: Code) -> bool:
        return "offline_access" in code.request.get("scope", "").split()
