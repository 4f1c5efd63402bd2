"""What the demo Provider publishes for everyone: its metadata and its keys.

Says nothing that the endpoints do not keep.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from broker.demo.provider.provider import DemoProvider
from broker.demo.provider.scopes import SCOPES

AUTHORIZE_PATH = "/o/oauth2/v2/auth"
CONSENT_PATH = "/o/oauth2/v2/auth/consent"
TOKEN_PATH = "/token"
REVOKE_PATH = "/revoke"
USERINFO_PATH = "/v1/userinfo"
JWKS_PATH = "/oauth2/v3/certs"
METADATA_PATH = "/.well-known/openid-configuration"

_CACHED = {"Cache-Control": "public, max-age=300"}


def metadata(issuer: str) -> dict[str, Any]:
    """The metadata document of OpenID Connect Discovery section 3 and RFC 8414, RFC 9207."""
    return {
        "issuer": issuer,
        "authorization_endpoint": issuer + AUTHORIZE_PATH,
        "token_endpoint": issuer + TOKEN_PATH,
        "revocation_endpoint": issuer + REVOKE_PATH,
        "userinfo_endpoint": issuer + USERINFO_PATH,
        "jwks_uri": issuer + JWKS_PATH,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "consent", "select_account"],
        "scopes_supported": [scope.name for scope in SCOPES],
        "claims_supported": [
            *("iss", "azp", "aud", "sub", "at_hash", "nonce", "iat", "exp"),
            *("email", "email_verified", "hd", "name", "given_name", "family_name", "picture"),
        ],
        "authorization_response_iss_parameter_supported": True,
    }


async def discovery(provider: DemoProvider, request: Request) -> Response:
    """GET the metadata document."""
    document = metadata(provider.issuer)
    fault = provider.published_fault(lambda fault: fault.discovery is not None)
    if fault and fault.discovery:
        document = fault.discovery(document)
    return JSONResponse(document, headers=_CACHED)


async def jwks(provider: DemoProvider, request: Request) -> Response:
    """GET the published keys."""
    keys = provider.keys.jwks()
    fault = provider.published_fault(lambda fault: fault.jwks is not None)
    if fault and fault.jwks:
        keys = fault.jwks(keys)
    return JSONResponse(keys, headers=_CACHED)
