"""Owns the published documents: discovery (OpenID Connect Discovery 1.0, RFC 8414), the key set, and the assets.

Refuses to be computed for each request: they are bytes, made once, answered from memory.
"""

from __future__ import annotations

import hashlib

import orjson

from broker.domain import own_token, public_key, scope
from broker.domain.application import GrantType
from broker.domain.redirect import ResponseMode
from broker.domain.session_token import ACR
from broker.domain.signing_key import JWKS_MAX_AGE
from broker.web.pages.assets import ASSETS, CACHE_CONTROL
from broker.web.surface import Published, publish

DISCOVERY_PATH = "/.well-known/openid-configuration"
JWKS_PATH = "/.well-known/jwks.json"
CONFIDENTIAL = ("client_secret_basic", "client_secret_post", "private_key_jwt")
"""How a confidential Application authenticates, wherever it does (OpenID Connect Core section 9)."""
_PROOFS = [alg for of_kind in public_key.ALGORITHMS.values() for alg in of_kind]
_CACHE = f"public, max-age={JWKS_MAX_AGE}, stale-if-error=86400"
"""Short, so that a new key is seen in time; a day where the broker is away (RFC 5861)."""


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
        "device_authorization_endpoint": f"{issuer}/oauth/device_authorization",
        "pushed_authorization_request_endpoint": f"{issuer}/oauth/par",
        "userinfo_endpoint": f"{issuer}/oauth/userinfo",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "introspection_endpoint": f"{issuer}/oauth/introspect",
        "end_session_endpoint": f"{issuer}/oauth/end-session",
        "jwks_uri": f"{issuer}{JWKS_PATH}",
        "scopes_supported": [*scope.SUPPORTED, *own_token.SCOPES],
        "response_types_supported": ["code"],
        "response_modes_supported": [mode.value for mode in ResponseMode],
        "grant_types_supported": [grant.value for grant in GrantType],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": sorted(signing_algorithms),
        "token_endpoint_auth_methods_supported": [*CONFIDENTIAL, "none"],
        "revocation_endpoint_auth_methods_supported": [*CONFIDENTIAL, "none"],
        "introspection_endpoint_auth_methods_supported": list(CONFIDENTIAL),
        **{
            f"{at}_endpoint_auth_signing_alg_values_supported": _PROOFS
            for at in ("token", "revocation", "introspection")
        },
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": _PROOFS,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "acr_values_supported": [ACR],
        "claims_supported": ["sub", "auth_time", "acr", "amr", "sid", *sorted(scope.ATTRIBUTE_SCOPES)],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "require_pushed_authorization_requests": False,
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "op_policy_uri": f"{issuer}/privacy",
        "op_tos_uri": f"{issuer}/terms",
    }


def _json(body: bytes) -> Published:
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return publish(body, "application/json", _CACHE, etag, any_origin=True)
