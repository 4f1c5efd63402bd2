"""Owns the published documents: discovery (OpenID Connect Discovery 1.0, RFC 8414), the key set, and the assets.

Refuses to be computed for each request: they are bytes, made once, answered from memory.
"""

from __future__ import annotations

import hashlib

import orjson

from broker.domain import scope
from broker.domain.session_token import ACR
from broker.web.pages.assets import ASSETS, CACHE_CONTROL
from broker.web.surface import Published, publish

DISCOVERY_PATH = "/.well-known/openid-configuration"
JWKS_PATH = "/.well-known/jwks.json"
_CACHE = "public, max-age=300, stale-if-error=86400"
"""Five minutes, so that a new key is seen in time; a day where the broker is away (RFC 5861)."""


def published(issuer: str, jwks: bytes, signing_algorithms: tuple[str, ...]) -> dict[str, Published]:
    """Path -> document."""
    document = orjson.dumps(discovery(issuer, signing_algorithms))
    documents = {
        DISCOVERY_PATH: _json(document),
        "/.well-known/oauth-authorization-server": _json(document),
        JWKS_PATH: _json(jwks),
    }
    for path, asset in ASSETS.items():
        documents[path] = publish(asset.content, asset.content_type, CACHE_CONTROL, asset.etag, any_origin=False)
    return documents


def discovery(issuer: str, signing_algorithms: tuple[str, ...]) -> dict[str, object]:
    """What an Application needs to know; nothing that is not there is promised."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}/oauth/token",
        "userinfo_endpoint": f"{issuer}/oauth/userinfo",
        "end_session_endpoint": f"{issuer}/oauth/end-session",
        "jwks_uri": f"{issuer}{JWKS_PATH}",
        "scopes_supported": list(scope.SUPPORTED),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": list(signing_algorithms),
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "acr_values_supported": [ACR],
        "claims_supported": ["sub", "auth_time", "acr", "amr", "sid", *sorted(scope.ATTRIBUTE_SCOPES)],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
        "op_policy_uri": f"{issuer}/privacy",
        "op_tos_uri": f"{issuer}/terms",
    }


def _json(body: bytes) -> Published:
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return publish(body, "application/json", _CACHE, etag, any_origin=True)
