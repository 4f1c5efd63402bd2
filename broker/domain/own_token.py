"""Owns the session JWT of an Application that acts for itself, without a User (RFC 6749 section 4.4, RFC 9068).

Refuses scopes that the operator has not given the Application.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broker.domain import revocation
from broker.domain.application import Application, ApplicationType, GrantType
from broker.domain.dpop import confirmation
from broker.domain.errors import OAuthRefusal
from broker.domain.ids import KeyThumbprint
from broker.domain.session_token import LIFETIME

SCOPES = (revocation.SCOPE,)
"""What an operator can give. What the Application may do at other services is for those to say, by its name."""
USER_PREFIX = "usr_"
"""Users' ids begin like this, so an Application's name must not."""


def chosen_scopes(asked: str | None, application: Application) -> tuple[str, ...]:
    """Those that were asked for, which may be none; raises `OAuthRefusal` (`invalid_scope`) if one was not given."""
    names = set((asked or "").split(" ")) - {""}
    if not names <= application.scopes:
        raise OAuthRefusal("invalid_scope", "The application has not been given all of these scopes.")
    return tuple(sorted(names))


def own_claims(
    application: Application,
    scopes: tuple[str, ...],
    *,
    issuer: str,
    jti: str,
    now: int,
    key: KeyThumbprint | None = None,
) -> dict[str, Any]:
    """The claims. No `sid`: nobody signed in; by this it is told from a User's. No `authorizations` either.

    `key`: the one that it is bound to.
    """
    claims = {
        "iss": issuer,
        "sub": application.id,
        "aud": application.audience,
        "exp": now + LIFETIME,
        "iat": now,
        "jti": jti,
        "client_id": application.id,
        **confirmation(key),
    }
    return claims | {"scope": " ".join(scopes)} if scopes else claims


def is_own(claims: Mapping[str, Any]) -> bool:
    """Whether these are claims of such a token, and not of a User's sign-in."""
    return "sid" not in claims and claims.get("sub", "") == claims.get("client_id")


def may_have(application: Application, claims: Mapping[str, Any]) -> bool:
    """Whether it would be given a token with these claims still."""
    scopes = set(str(claims.get("scope", "")).split())
    return acts_for_itself(application) and scopes <= application.scopes


def acts_for_itself(application: Application) -> bool:
    """Only who can prove it is itself (RFC 6749 section 4.4)."""
    return application.type is ApplicationType.CONFIDENTIAL and GrantType.CLIENT_CREDENTIALS in application.grants
